using Notify.Contracts.Topics;

namespace Notify.Engine.Delivery.Routing;

/// <summary>Where an interest comes from, which decides how it ends.</summary>
internal enum InterestKind : byte
{
    /// <summary>Named by the connection: until it unsubscribes, or its token no longer covers the filter.</summary>
    Named,

    /// <summary>A group named by the token: for as long as a token with it is used.</summary>
    Token,

    /// <summary>The user's own topic: always.</summary>
    Own,

    /// <summary>A membership of the user: by interval.</summary>
    Membership,

    /// <summary>A durable subscription of the user: by interval, and only while the token covers it.</summary>
    Durable,
}

/// <summary>
/// One filter that a session follows for the versions in (<see cref="From"/>, <see cref="Until"/>]. A value in the
/// session's own array: a user with hundreds of groups costs some 40 bytes for each and no object.
/// </summary>
internal struct Interest
{
    /// <summary>The filter, and the list of the index that holds the session for it while <see cref="Slot"/> is set.</summary>
    public InterestList List;

    /// <summary>Only versions above it. <see cref="long.MaxValue"/> until the filter has its version.</summary>
    public long From;

    /// <summary>Only versions up to it; <see cref="Open"/> while it has no end.</summary>
    public long Until;

    /// <summary>The session's slot in the list; -1 while the index does not hold it. Changes under the router's gate.</summary>
    public int Slot;

    public InterestKind Kind;

    /// <summary>A durable subscription that the token does not cover: kept, and brings nothing.</summary>
    public bool Asleep;

    public const long Open = long.MaxValue;

    public readonly TopicFilter Filter => List.Filter;

    /// <summary>Whether this version is in its interval. An ephemeral notification (version 0) is for open intervals only.</summary>
    public readonly bool Holds(long version) =>
        !Asleep && (version == 0 ? From != long.MaxValue && Until == Open : From < version && version <= Until);

    /// <summary>Whether it brings this version on this topic: what decides in dispatch, in replay, and in an explanation.</summary>
    public readonly bool Brings(long version, string topic) => Holds(version) && Filter.Matches(topic);
}

/// <summary>What a user follows by interval, on every connection: a membership or a durable subscription.</summary>
/// <param name="Kind">Which of the two.</param>
/// <param name="Filter">The group's topic, or the durable filter.</param>
/// <param name="Since">It holds for versions above.</param>
/// <param name="Until">And up to; <see cref="Interest.Open"/> while it has no end.</param>
internal readonly record struct UserInterest(InterestKind Kind, TopicFilter Filter, long Since, long Until = Interest.Open);
