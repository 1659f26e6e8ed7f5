using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Members;

/// <summary>One change of a membership: asked for from then on, and answered; null when it never was.</summary>
internal sealed record MemberChange(string User, string Group, bool Joins, TimeSpan SentAt, TimeSpan? AnsweredAt)
{
    /// <summary>
    /// A request for it had no answer, or that it may be made: the node that has it makes it when storage is back, perhaps after another node
    /// has made the next ones.
    /// </summary>
    public bool MayComeLater { get; init; }
}

/// <summary>What a user's connection saw.</summary>
internal sealed record MemberJournal(string User, Journal Journal);

/// <summary>What changers of members and publishers to groups were answered, and what the users saw.</summary>
internal sealed record MemberHistory(IReadOnlyList<MemberChange> Changes, IReadOnlyList<Published> Published, IReadOnlyList<MemberJournal> Journals)
{
    public IReadOnlyList<Destroyed> Destroyed { get; init; } = [];
}

/// <summary>A time in which a user certainly was, or certainly was not, a member: by answers alone.</summary>
internal sealed record MemberWindow(string User, string Group, bool IsMember, TimeSpan From, TimeSpan To)
{
    /// <summary>Whether it was stored in this time, whenever between being sent and answered that was.</summary>
    public bool Holds(Published published) => published.SentAt >= From && published.Acks[0].At <= To;
}
