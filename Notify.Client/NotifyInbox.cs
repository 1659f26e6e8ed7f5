using Notify.Contracts.Hub;
using Notify.Contracts.People;

namespace Notify.Client;

/// <summary>
/// The user's inbox: what came to the user, the user's groups and durable subscriptions. Marks take effect in the order of the calls.
/// </summary>
public sealed class NotifyInbox
{
    private readonly UserCalls _calls;
    private readonly Func<bool> _connected;
    private readonly object _gate = new();
    private readonly SemaphoreSlim _marks;
    private int _view;

    internal NotifyInbox(UserCalls calls, Func<bool> connected, SemaphoreSlim marks) => (_calls, _connected, _marks) = (calls, connected, marks);

    /// <summary>
    /// The newest counts that are known, from whatever device or call they came: a badge shows <c>Counts.Current?.Unread</c> and
    /// follows the changes. They come by themselves with <see cref="NotifyClientOptions.Inbox"/>.
    /// </summary>
    public Changes<InboxSummary> Counts { get; } = new();

    /// <inheritdoc cref="UserCalls.ListInboxAsync"/>
    public async Task<InboxPage> ListAsync(string? state = null, string? filter = null, long? before = null, int? limit = null,
        CancellationToken cancellationToken = default)
    {
        var view = Volatile.Read(ref _view);
        var page = await _calls.ListInboxAsync(state, filter, before, limit, cancellationToken).ConfigureAwait(false);
        Take(page.Summary, view);
        return page;
    }

    /// <inheritdoc cref="UserCalls.GetInboxSummaryAsync"/>
    public async Task<InboxSummary> GetSummaryAsync(IEnumerable<string>? filters = null, CancellationToken cancellationToken = default)
    {
        var view = Volatile.Read(ref _view);
        var summary = await _calls.GetInboxSummaryAsync(filters, cancellationToken).ConfigureAwait(false);
        Take(summary, view);
        return summary;
    }

    /// <summary>Marks items as read, and so as seen.</summary>
    public Task<InboxSummary> ReadAsync(InboxMark mark, CancellationToken cancellationToken = default) => MarkAsync(InboxMarking.Read, mark, cancellationToken);

    /// <summary>Marks items as not read; by versions only.</summary>
    public Task<InboxSummary> UnreadAsync(InboxMark mark, CancellationToken cancellationToken = default) =>
        MarkAsync(InboxMarking.Unread, mark, cancellationToken);

    /// <summary>Marks items as seen.</summary>
    public Task<InboxSummary> SeenAsync(InboxMark mark, CancellationToken cancellationToken = default) => MarkAsync(InboxMarking.Seen, mark, cancellationToken);

    /// <summary>Archives items, which are then read.</summary>
    public Task<InboxSummary> ArchiveAsync(InboxMark mark, CancellationToken cancellationToken = default) =>
        MarkAsync(InboxMarking.Archive, mark, cancellationToken);

    /// <summary>Brings items back from the archive; by versions only.</summary>
    public Task<InboxSummary> UnarchiveAsync(InboxMark mark, CancellationToken cancellationToken = default) =>
        MarkAsync(InboxMarking.Unarchive, mark, cancellationToken);

    /// <summary>The service says so on the connection.</summary>
    internal void Received(InboxChanged counts)
    {
        var summary = new InboxSummary
        {
            Unread = counts.Unread,
            Unseen = counts.Unseen,
            Head = counts.Head,
            Epoch = counts.Epoch,
            Rev = counts.Rev,
            AtLeast = counts.AtLeast,
        };
        lock (_gate)
        {
            if (Counts.Current is { } known && known.Epoch != summary.Epoch) Drop();
            Take(summary, _view);
        }
    }

    /// <summary>What is known, and what was asked for so far, was counted for another token or another log.</summary>
    internal void Drop()
    {
        lock (_gate)
        {
            _view++;
            Counts.Forget();
        }
    }

    // One after the other: of two marks that are on their way at once, the service may take the later one first.
    private async Task<InboxSummary> MarkAsync(InboxMarking marking, InboxMark mark, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(mark);
        await _marks.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var view = Volatile.Read(ref _view);
            var summary = await _calls.MarkAsync(marking, mark, cancellationToken).ConfigureAwait(false);
            Take(summary, view);
            return summary;
        }
        finally
        {
            _marks.Release();
        }
    }

    private void Take(InboxSummary summary, int view)
    {
        lock (_gate)
        {
            if (view != _view) return;
            Counts.Set(summary, known => known is null || (known.Epoch == summary.Epoch ? IsNewer(summary, known) : !_connected()));
        }
    }

    // Answers of nodes and devices come in any order. With the same rev only what expired makes a difference, so the exact one is
    // better than a lower bound, and then the one with fewer.
    private static bool IsNewer(InboxSummary summary, InboxSummary known)
    {
        var order = summary.Rev.CompareTo(known.Rev);
        if (order == 0) order = (known.AtLeast == true).CompareTo(summary.AtLeast == true);
        if (order == 0) order = known.Unread.CompareTo(summary.Unread);
        if (order == 0) order = known.Unseen.CompareTo(summary.Unseen);
        return order > 0;
    }
}
