using Notify.Storage.Inbox;

namespace Notify.Storage.Directory;

/// <summary>The rows that a batch of changes comes to. Both stores write them in the order of these members.</summary>
internal sealed class DirectoryWrites
{
    /// <summary>The new revision of the rules, when one of them changed.</summary>
    public long? RulesRevision { get; set; }

    public List<(long Number, long Until)> EndedGroups { get; } = [];
    public List<(long Number, string Name, string? Rule, long Since, long Until)> NewGroups { get; } = [];
    public List<(long Number, string? Rule)> NewRules { get; } = [];

    /// <summary>By how much the number of a group's members changes.</summary>
    public Dictionary<long, long> MemberCounts { get; } = [];

    /// <summary>Open intervals that end.</summary>
    public List<(long Group, long User, long Until)> EndedMemberships { get; } = [];

    /// <summary>Intervals that begin, and those that also end within the batch.</summary>
    public Dictionary<(long Group, long User, long Since), long> NewMemberships { get; } = [];

    public List<(long User, string Filter, long Until)> EndedFilters { get; } = [];
    public Dictionary<(long User, string Filter, long Since), long> NewFilters { get; } = [];

    /// <summary>Attributes of users that their change moves.</summary>
    public Dictionary<long, (string? Json, DateTimeOffset? ClaimsIssuedAt)> Attributes { get; } = [];

    /// <summary>Groups whose first members are filled in; written before <see cref="MemberCounts"/>.</summary>
    public List<(long Number, long Since, long Members)> Activated { get; } = [];

    public List<string> RevokedKeys { get; } = [];
    public List<(NewApiKey Key, long Number)> NewKeys { get; } = [];

    /// <summary>The last word on each user's tokens.</summary>
    public Dictionary<long, (DateTimeOffset IssuedBefore, long Version)> Revocations { get; } = [];

    /// <summary>Items marked by themselves, as the last mark leaves them.</summary>
    public Dictionary<(long User, long Version), InboxMark> Marks { get; } = [];

    /// <summary>All steps of a user and a filter.</summary>
    public Dictionary<(long User, string Filter), List<InboxStep>> Watermarks { get; } = [];

    /// <summary>Single marks that say nothing that a mark of everything does not say.</summary>
    public List<InboxMerge> Merged { get; } = [];
}
