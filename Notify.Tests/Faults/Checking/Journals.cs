using Notify.Engine.Publishing;

namespace Notify.Tests.Faults.Checking;

// The checker's own words. None of them is the product's: what the checker believes must not depend on what it checks.
// Times are since the scenario began, on the clock of the test.

/// <summary>What a publisher knows of one thing it wanted stored: how often it was acknowledged, or that it was refused for good.</summary>
internal sealed record Published(
    string Publisher, string Key, string Topic, string Body, TimeSpan SentAt, IReadOnlyList<Ack> Acks, bool Refused = false);

internal sealed record Ack(long Version, string Id, string Topic, TimeSpan At);

/// <summary>What a subscriber saw, in its order.</summary>
internal abstract record Seen(TimeSpan At)
{
    /// <summary>The answer to Resume on a new connection.</summary>
    public sealed record Resumed(TimeSpan At, long Since, string Epoch) : Seen(At);

    public sealed record Received(TimeSpan At, long Version, string Id, string Topic, string Body) : Seen(At);

    public sealed record Gap(TimeSpan At, long Oldest, string Epoch, string Reason) : Seen(At);

    /// <summary>CaughtUp or Progress: everything up to this version is here.</summary>
    public sealed record Place(TimeSpan At, long Version, string? Epoch) : Seen(At);
}

/// <param name="Subscriber">Its name, for findings.</param>
/// <param name="Topics">What it follows.</param>
/// <param name="Events">Connection after connection.</param>
/// <param name="IsLive">False for a reading at the end, which says nothing about recovery.</param>
/// <param name="DuplicatesDropped">What its client says it dropped because it came a second time.</param>
internal sealed record Journal(
    string Subscriber, IReadOnlySet<string> Topics, IReadOnlyList<Seen> Events, bool IsLive = true, long DuplicatesDropped = 0);

/// <summary>
/// Acknowledgements of this time may be gone: the fault destroyed them (a copy older than they are was put in the
/// database's place). Even so only with a Gap.
/// </summary>
internal sealed record Destroyed(TimeSpan From, TimeSpan To);

internal sealed record History(IReadOnlyList<Published> Published, IReadOnlyList<Journal> Journals)
{
    public IReadOnlyList<Destroyed> Destroyed { get; init; } = [];

    /// <summary>The fault put another log in the place of this one: everybody must be told by a Gap.</summary>
    public bool Replaced { get; init; }

    /// <summary>When the fault was over.</summary>
    public TimeSpan HealedAt { get; init; }

    /// <summary>How long after it everybody may take to be up to date.</summary>
    public TimeSpan Bound { get; init; } = TimeSpan.MaxValue;

    public bool IsDestroyed(Ack ack) => Destroyed.Any(window => ack.At >= window.From && ack.At <= window.To);
}

internal enum Verdict
{
    /// <summary>Acknowledged, and a subscriber did not get it.</summary>
    Lost,

    /// <summary>A subscriber got a version twice.</summary>
    Duplicated,

    /// <summary>A version came after a higher one.</summary>
    Reordered,

    /// <summary>Delivered, but not published, refused, or not asked for.</summary>
    Invented,

    /// <summary>Shown to somebody it was not for: published to a group when the user was not in it.</summary>
    NotForThem,

    /// <summary>One version with two contents.</summary>
    TwoContents,

    /// <summary>A subscriber passed over a version without a Gap.</summary>
    SilentHole,

    /// <summary>One idempotency key with two versions.</summary>
    KeyTwice,

    /// <summary>Not up to date within the bound after healing.</summary>
    Late,
}

internal sealed record Finding(Verdict Verdict, string Who, long Version, string What)
{
    public override string ToString() => $"{Verdict} [{Who}] version {Version}: {What}";
}

internal sealed record CheckResult(IReadOnlyList<Finding> Findings, int Acked, long Delivered, TimeSpan Recovery)
{
    public int Count(Verdict verdict) => Findings.Count(finding => finding.Verdict == verdict);
}
