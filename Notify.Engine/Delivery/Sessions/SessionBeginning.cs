using Notify.Contracts.Topics;
using Notify.Engine.Access;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>Where a session begins, and what it follows.</summary>
/// <param name="View">The log as this node has it.</param>
/// <param name="Since">The last version that the client has.</param>
/// <param name="IsForeign">That number is of another epoch of the log: the session begins with a Gap.</param>
internal sealed record SessionBeginning(LogView View, long Since, bool IsForeign)
{
    /// <summary>The filters that the client named.</summary>
    public IReadOnlyList<TopicFilter> Named { get; init; } = [];

    /// <summary>They bring versions above this one.</summary>
    public required long NamedFrom { get; init; }

    /// <summary>The topic of its user; null for a connection without a user.</summary>
    public TopicFilter? Own { get; init; }

    /// <summary>What its credential allows.</summary>
    public SessionAccess Access { get; init; } = SessionAccess.Everything;

    /// <summary>What its user follows by interval, of the epoch's epoch; null for a connection without a user.</summary>
    public IntervalReading? Reading { get; init; }
}

/// <summary>What a connection's credential allows, as far as delivery is concerned.</summary>
/// <param name="Covers">Whether it covers a whole filter: durable subscriptions that it does not cover sleep.</param>
/// <param name="TokenGroups">The topics of the groups that the credential itself names.</param>
internal sealed record SessionAccess(Func<TopicFilter, bool> Covers, IReadOnlyCollection<TopicFilter> TokenGroups)
{
    /// <summary>Open Development.</summary>
    public static readonly SessionAccess Everything = new(static _ => true, []);

    /// <summary>Why these may not be followed; null when they may.</summary>
    public Func<IReadOnlyList<TopicFilter>, Refusal?> MayFollow { get; init; } = static _ => null;

    /// <summary>What a caller's credential allows.</summary>
    public static SessionAccess Of(Caller caller) =>
        new(caller.Grants.MaySubscribe, [.. caller.Grants.Groups.Select(group => TopicFilter.Exact(TopicName.OfGroup(group)))])
        {
            MayFollow = filters => AccessRules.Follow(caller, filters),
        };
}
