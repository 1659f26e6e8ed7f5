using Notify.Contracts.Topics;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>Counts and lists inboxes, each reading one snapshot of the database: its head is the contract's <c>rev</c>.</summary>
internal sealed class InboxReader(INotificationLog log)
{
    /// <summary>Many users at once, in a handful of queries.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public Task<IReadOnlyList<InboxCounts>> CountAsync(IReadOnlyList<InboxAsked> asked, CancellationToken cancellationToken) => log.Inbox.ReadAsync(
        Names(asked),
        async snapshot => await new InboxCounting(snapshot, cancellationToken).CountAsync(
            await new InboxTopics(snapshot, cancellationToken).FindAsync(asked, only: null)),
        cancellationToken);

    /// <summary>A page, newest first, and the counts as of the same moment.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public Task<InboxPage> ListAsync(InboxAsked asked, InboxView view, InboxFilter? filter, long before, int limit, CancellationToken cancellationToken) =>
        log.Inbox.ReadAsync(
            [asked.User],
            async snapshot =>
            {
                var all = await new InboxTopics(snapshot, cancellationToken).FindAsync([asked], only: null);
                var counts = await new InboxCounting(snapshot, cancellationToken).CountAsync(all);
                var user = filter is null ? all[0] : (await new InboxTopics(snapshot, cancellationToken).FindAsync([asked], filter.Topics))[0];
                var (items, next) = await new InboxListing(snapshot, user, view, cancellationToken).ReadAsync(before, limit);
                return new InboxPage(items, next, counts[0]);
            },
            cancellationToken);

    /// <summary>Which of these versions are items of the user, whatever any credential covers, and in which epoch of the log.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public Task<(Guid Epoch, IReadOnlyList<InboxItem> Items)> FindItemsAsync(
        string user, IReadOnlyCollection<long> versions, InboxFilter? filter, CancellationToken cancellationToken) =>
        log.Inbox.ReadAsync<(Guid, IReadOnlyList<InboxItem>)>(
            [user],
            async snapshot =>
            {
                var known = snapshot.Users.GetValueOrDefault(user);
                var items = await snapshot.FindItemsAsync(versions, cancellationToken);
                return (snapshot.Head.Epoch,
                    [.. items.Where(item => (item.ExpiresAt is null || item.ExpiresAt > snapshot.Head.Now)
                    && (filter is null || filter.Topics.Matches(item.Topic)) && IsOf(user, known, item))]);
            },
            cancellationToken);

    /// <summary>Whether this version came to the user, so that it may be read by its id.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public async Task<bool> CameToAsync(string user, long version, CancellationToken cancellationToken) =>
        (await FindItemsAsync(user, [version], filter: null, cancellationToken)).Items.Count > 0;

    private static bool IsOf(string name, InboxUser? user, InboxItem item) =>
        item.Topic == TopicName.OfUser(name)
        || (user is not null
            && (user.Groups.Any(group => group.Held.Holds(item.Version) && item.Topic == TopicName.OfGroup(group.Name))
                || user.Subscriptions.Any(one =>
                    one.Held.Holds(item.Version) && TopicFilter.TryParse(one.Filter, out var filter, out _) && filter.Matches(item.Topic))));

    private static string[] Names(IReadOnlyList<InboxAsked> asked) => [.. asked.Select(one => one.User).Distinct(StringComparer.Ordinal)];
}
