using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Presence;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>Whether a notification comes to a user, in one word.</summary>
internal enum ExplanationVerdict
{
    /// <summary>To the user, on every device, and it is in the inbox: by the own topic, a group or a durable subscription.</summary>
    Delivered,

    /// <summary>To some of the connections that the user has now, by what they named or by their token's groups.</summary>
    Connections,

    /// <summary>Neither.</summary>
    Missed,

    /// <summary>Not to the user; whether a connection that is gone had named a filter is not known.</summary>
    Unknown,

    /// <summary>It has expired: it is no longer sent.</summary>
    Expired,

    /// <summary>It is no longer kept, so what it was is not known.</summary>
    Gone,
}

/// <summary>Why a user did or did not get a notification.</summary>
/// <param name="Head">Where the log was: everything is as of then.</param>
/// <param name="Verdict">The answer.</param>
/// <param name="Entry">The notification; null when it is gone.</param>
/// <param name="Interests">Those of the user that match its topic, held or not.</param>
/// <param name="Marks">When it was seen, read and archived.</param>
internal sealed record Explanation(LogHead Head, ExplanationVerdict Verdict, LogEntry? Entry, IReadOnlyList<InterestVerdict> Interests, InboxState Marks)
{
    /// <summary>What the user's devices have acknowledged.</summary>
    public IReadOnlyList<UserDevice> Devices { get; init; } = [];

    /// <summary>The user's connections as they are now, with what they named.</summary>
    public IReadOnlyList<ExplainedConnection> Connections { get; init; } = [];

    /// <summary>A node did not answer: there may be other connections.</summary>
    public bool IsPartial { get; init; }
}

/// <summary>
/// Recomputes from what is stored whether a notification comes to a user. What decides is what decides in delivery:
/// <see cref="Interests.Brings"/>, of the user's intervals and of the interests that living connections have.
/// </summary>
internal sealed class Explaining(INotificationLog log, PresenceQueries presence)
{
    private const int MostBytes = 1024 * 1024;

    /// <returns>Null when there is no notification of this version, or not yet.</returns>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public async Task<Explanation?> ExplainAsync(string user, long version, string? device, CancellationToken cancellationToken)
    {
        if (await OfStoredAsync(log, user, version, cancellationToken) is not { } stored) return null;
        var devices = await log.Directory.ListDevicesAsync(user, null, IDirectory.MostDevices, cancellationToken);
        var (connections, isPartial) = stored.Entry is { } entry ? await presence.ExplainAsync(user, version, entry.Topic, cancellationToken) : ([], false);
        if (device is not null) connections = [.. connections.Where(one => one.Connection.Device == device)];
        return stored with
        {
            Verdict = stored.Verdict != ExplanationVerdict.Missed ? stored.Verdict
                : connections.Any(one => one.Interests.Any(interest => interest.Brings)) ? ExplanationVerdict.Connections
                : connections.Count == 0 || isPartial ? ExplanationVerdict.Unknown : ExplanationVerdict.Missed,
            Devices = [.. devices.Where(one => device is null || one.Device == device)],
            Connections = connections,
            IsPartial = isPartial,
        };
    }

    /// <summary>What is stored says: as far as the user is concerned, on every device.</summary>
    internal static Task<Explanation?> OfStoredAsync(INotificationLog log, string user, long version, CancellationToken cancellationToken) =>
        log.Inbox.ReadAsync<Explanation?>(
        [user],
        async snapshot =>
        {
            if (version > snapshot.Head.Head) return null;
            if (await snapshot.ReadAsync([version], MostBytes, cancellationToken) is not [{ Kind: EntryKind.Notification } entry])
                return version < snapshot.Head.Oldest ? new Explanation(snapshot.Head, ExplanationVerdict.Gone, null, [], default) : null;
            var known = snapshot.Users.GetValueOrDefault(user);
            var interests = InterestsOf(user, known).Explain(version, entry.Topic);
            var isItem = interests.Exists(interest => interest.Brings);
            var verdict = entry.ExpiresAt <= snapshot.Head.Now ? ExplanationVerdict.Expired
                : isItem ? ExplanationVerdict.Delivered : ExplanationVerdict.Missed;
            // only items have marks
            var marks = isItem && known is not null ? await MarksOfAsync(snapshot, known, version, entry.Topic, cancellationToken) : default;
            return new Explanation(snapshot.Head, verdict, entry, interests, marks);
        },
        cancellationToken);

    private static Interests InterestsOf(string user, InboxUser? known)
    {
        var interests = new Interests(new NoSession(), new Router());
        interests.AddOwn(TopicFilter.Exact(TopicName.OfUser(user)));
        if (known is null) return interests;
        var intervals =
            known.Groups.Select(group =>
            new UserInterest(InterestKind.Membership, TopicFilter.Exact(TopicName.OfGroup(group.Name)), group.Held.Since, group.Held.Until)).ToList();
        foreach (var one in known.Subscriptions)
        {
            if (TopicFilter.TryParse(one.Filter, out var filter, out _))
                intervals.Add(new UserInterest(InterestKind.Durable, filter, one.Held.Since, one.Held.Until));
        }

        interests.ReplaceIntervals(intervals, static _ => true, dispatched: long.MaxValue); // none is for the index
        return interests;
    }

    private static async Task<InboxState> MarksOfAsync(IInboxSnapshot snapshot, InboxUser user, long version, string topic, CancellationToken cancellationToken)
    {
        var own = await snapshot.FindMarksAsync([new MarkRange(user.Number, version, version, 0, MarkKind.Unread)], cancellationToken);
        var steps = user.Watermarks.Where(one =>
            one.Filter.Length == 0 || (TopicFilter.TryParseAny(one.Filter, out var filter, out _) && filter.Matches(topic)))
            .SelectMany(one => one.Steps).OrderBy(step => step.Order);
        return InboxState.Of(version, own.Count == 0 ? null : own[0].Mark, steps);
    }

    /// <summary>Interests that no session holds.</summary>
    private sealed class NoSession : Subscriber
    {
        public override bool SweepEnded(long dispatched) => true;
    }
}
