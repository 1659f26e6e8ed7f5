using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine.Directory;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>A mark as it is asked for: either versions, or everything up to one.</summary>
/// <param name="Operation">What it does.</param>
/// <param name="Versions">Items; those that are not the user's are passed over.</param>
/// <param name="UpTo">The last version that it is for.</param>
/// <param name="Filter">Only topics that it matches.</param>
internal sealed record InboxMarkAsked(InboxOperation Operation, IReadOnlyList<long>? Versions, long UpTo, InboxFilter? Filter);

/// <summary>Marks inboxes. A mark is an entry of the log, so that counts are a function of the user and a version on every node.</summary>
internal sealed class InboxMarking(InboxReader reader, AppliedChanges changes, TailPosition tail)
{
    /// <summary>With so many marks of single items it is looked whether one mark says the same.</summary>
    private const int SingleMarks = 500;

    /// <summary>Marks, and then counts: the counts have the mark in them.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public async Task<(InboxCounts? Counts, Refusal? Refusal)> MarkAsync(InboxAsked asked, InboxMarkAsked mark, CancellationToken cancellationToken)
    {
        var change = mark.Versions is null ? await UpToAsync(asked.User, mark, cancellationToken) : await OfItemsAsync(asked.User, mark, cancellationToken);
        if (change is not null && await changes.MakeAsync(change, cancellationToken) is { } refusal) return (null, refusal);
        var counts = (await reader.CountAsync([asked], cancellationToken))[0];
        if (counts.SingleMarks >= SingleMarks && mark.Versions is not null) await MergeAsync(asked.User, cancellationToken);
        return (counts, null);
    }

    /// <summary>
    /// Where everything was marked one by one a mark of everything says the same: without it a bell that marks what it shows would
    /// leave a row for each item that every count looks at.
    /// </summary>
    private async Task MergeAsync(string user, CancellationToken cancellationToken)
    {
        var counts = (await reader.CountAsync([new InboxAsked(user, _ => true)], cancellationToken))[0];
        if (counts.AtLeast || counts.Unseen > 0) return;
        var operation = counts.Unread == 0 ? InboxOperation.Read : InboxOperation.Seen;
        await changes.MakeAsync(new DirectoryChange.MarkInbox(user, operation, counts.Epoch, null, counts.Head, "", Match) { FoundAt = counts.Head },
            cancellationToken);
    }

    private async Task<DirectoryChange?> UpToAsync(string user, InboxMarkAsked mark, CancellationToken cancellationToken)
    {
        var view = tail.View ?? throw new StorageUnavailableException("The log has not been read yet.");
        var (epoch, head) = (view.EpochId, view.Head);

        // A client that another node has told of more is not cut short.
        if (mark.UpTo > head) (epoch, head, _) = await tail.RefreshAsync(cancellationToken);
        return new DirectoryChange.MarkInbox(user, mark.Operation, epoch, null, Math.Min(mark.UpTo, head), mark.Filter?.Topics.Text ?? "", Match);
    }

    private async Task<DirectoryChange?> OfItemsAsync(string user, InboxMarkAsked mark, CancellationToken cancellationToken)
    {
        var (epoch, items) = await reader.FindItemsAsync(user, mark.Versions!, mark.Filter, cancellationToken);
        return items.Count == 0 ? null : new DirectoryChange.MarkInbox(user, mark.Operation, epoch, items, 0, mark.Filter?.Topics.Text ?? "", Match);
    }

    // Storage knows filters as texts.
    private static bool Match(string filter, string topic) => TopicFilter.TryParseAny(filter, out var parsed, out _) && parsed.Matches(topic);
}
