using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using SubscriptionsChanged = Notify.Storage.Directory.SubscriptionsChanged;

namespace Notify.Engine.Directory;

/// <summary>Applies memberships and durable subscriptions to the sessions of this node, each at the version of its entry.</summary>
internal sealed class PeopleApplier(ConnectedUsers connected, PeopleReader reader, INotificationLog log, Router router, TailPosition position,
    PeopleMetrics metrics) : ILogApplier
{
    /// <summary>Names of groups that are remembered by their numbers, which never change within an epoch.</summary>
    private const int MostTopics = 10_000;

    private readonly Dictionary<long, TopicFilter> _topics = [];
    private Guid _epoch;

    /// <summary>Reads anew for every session, before the view is published: a session goes over to the epoch and its intervals together.</summary>
    public async ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken)
    {
        if (_epoch != view.EpochId) _topics.Clear();
        _epoch = view.EpochId;
        var asOf = new LogHead(view.EpochId, long.MaxValue, view.Oldest);
        var sessions = connected.All.Where(one => one.Session.User is not null).ToList();
        var people = await reader.ReadAllAsync([.. sessions.Select(one => new SessionUser(one.Session.User!, null))], cancellationToken);
        for (var i = 0; i < sessions.Count; i++)
        {
            if (people[i].Head.Epoch != view.EpochId) return people[i].Head;
            sessions[i].Session.Prepare(people[i].ToReading());
            asOf = asOf with { Head = Math.Min(asOf.Head, people[i].Head.Head) };
        }

        // Readings further on are handed entries that are in them already, which changes nothing.
        return asOf.Head == long.MaxValue ? asOf with { Head = view.Ring.End } : asOf;
    }

    public async ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
    {
        router.SweepEnded(position.Dispatched);
        foreach (var entry in unit.Changes)
        {
            if (entry.Kind is EntryKind.GroupChanged or EntryKind.MembersChanged or EntryKind.SubscriptionsChanged)
            {
                await ApplyAsync(unit.View.EpochId, DirectoryEntry.Parse(entry), cancellationToken);
                metrics.Applied(1);
            }
        }
    }

    private async ValueTask ApplyAsync(Guid epoch, DirectoryEntry entry, CancellationToken cancellationToken)
    {
        switch (entry)
        {
            case MembersChanged members:
                foreach (var group in members.Groups)
                {
                    if (!connected.MayHave(group.Joined.Concat(group.Left))) continue;
                    var topic = await TopicOfAsync(group.Group, cancellationToken);
                    foreach (var user in group.Joined) connected.Apply(Membership(topic, user, begins: true));
                    foreach (var user in group.Left) connected.Apply(Membership(topic, user, begins: false));
                }

                SignalChanged(members.Groups.SelectMany(group => group.Joined.Concat(group.Left)).Distinct());
                break;
            case SubscriptionsChanged subscriptions when connected.MayHave([subscriptions.User]):
                foreach (var filter in Filters(subscriptions.Added)) connected.Apply(Durable(subscriptions.User, filter, begins: true));
                foreach (var filter in Filters(subscriptions.Removed)) connected.Apply(Durable(subscriptions.User, filter, begins: false));
                SignalChanged([subscriptions.User]);
                break;
            case GroupChanged { Change: GroupChange.Deleted or GroupChange.Replaced or GroupChange.Activated } group:
                await ApplyAsync(group, cancellationToken);
                break;
        }

        AppliedChange Membership(TopicFilter topic, long? user, bool begins) => new(epoch, entry.Version, user, InterestKind.Membership, topic, begins);
        AppliedChange Durable(long user, TopicFilter filter, bool begins) => new(epoch, entry.Version, user, InterestKind.Durable, filter, begins);

        async ValueTask ApplyAsync(GroupChanged group, CancellationToken cancellationToken)
        {
            if (!connected.MayHave(connected.Users)) return;
            var topic = await TopicOfAsync(group.Group, cancellationToken);
            IReadOnlyList<HeldBy> held = [];
            if (group.Change != GroupChange.Deleted)
            {
                // The entry names no users. Sessions that are reading now read again; of those that are here it is read whose it
                // is, and until when: by now some may have come and gone. Nothing of the unit is delivered before.
                connected.Apply(Membership(topic, null, begins: true));
                (var asOf, held) = await log.Directory.ReadHeldAsync(group.Group, connected.Users, cancellationToken);
                if (asOf.Epoch != epoch)
                {
                    position.Suspect();
                    throw new StorageUnavailableException("The log was replaced while an entry of the old one was applied.");
                }
            }

            var changed = new HashSet<long>();
            if (group.Change != GroupChange.Activated || group.Replaced is not null) changed.UnionWith(connected.Apply(Membership(topic, null, begins: false)));
            foreach (var one in held)
            {
                connected.Apply(epoch, one.User, new UserInterest(InterestKind.Membership, topic, one.Held.Since, one.Held.Until));
                changed.Add(one.User);
            }

            SignalChanged(changed);
        }
    }

    /// <summary>To all of these users' connections: what they follow by interval now.</summary>
    private void SignalChanged(IEnumerable<long> users)
    {
        foreach (var user in users)
        {
            OutgoingFrame? shared = null;
            foreach (var session in connected.Of(user))
            {
                shared ??= new ControlFrame(ClientMethods.SubscriptionsChanged, new Contracts.Hub.SubscriptionsChanged(session.Durable, session.Groups));
                session.Signal(ClientMethods.SubscriptionsChanged, shared);
            }
        }
    }

    private async ValueTask<TopicFilter> TopicOfAsync(long group, CancellationToken cancellationToken)
    {
        if (_topics.TryGetValue(group, out var known)) return known;
        var found = await log.Directory.FindGroupsAsync([group], cancellationToken);
        if (found.Count == 0) throw new StorageUnavailableException($"The log names group {group}, which the directory does not have yet.");
        if (_topics.Count >= MostTopics) _topics.Clear(); // groups come and go for as long as the node runs
        return _topics[group] = TopicFilter.Exact(TopicName.OfGroup(found[0].Name));
    }

    private static IEnumerable<TopicFilter> Filters(IReadOnlyList<string> texts)
    {
        foreach (var text in texts)
        {
            if (TopicFilter.TryParse(text, out var filter, out _)) yield return filter;
        }
    }
}
