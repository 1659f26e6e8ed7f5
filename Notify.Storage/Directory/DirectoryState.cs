using Notify.Storage.Inbox;

namespace Notify.Storage.Directory;

/// <summary>What a batch of changes asked about, as it is stored; then as the changes decided so far leave it.</summary>
internal sealed class DirectoryState
{
    public Guid Epoch { get; set; }
    public long Head { get; set; }

    /// <summary>By the database's clock, read after the log's lock.</summary>
    public DateTimeOffset Now { get; set; }
    public long RulesRevision { get; set; }
    public Dictionary<string, long> Users { get; } = new(StringComparer.Ordinal);

    /// <summary>The groups there are.</summary>
    public Dictionary<string, GroupState> Groups { get; } = new(StringComparer.Ordinal);
    public HashSet<(long Group, long User)> Members { get; } = [];
    public HashSet<(long User, string Filter)> Filters { get; } = [];
    public HashSet<string> Keys { get; } = new(StringComparer.Ordinal);

    /// <summary>Attributes of users whose attributes change; by name.</summary>
    public Dictionary<string, UserAttributes> Attributes { get; } = new(StringComparer.Ordinal);

    /// <summary>Groups whose rule is worked through, by number: those that are still there.</summary>
    public Dictionary<long, RuleState> Rules { get; } = [];

    /// <summary>What a group's rule says of users that its work is about, under the lock.</summary>
    public Dictionary<(long Group, long User), bool> Satisfies { get; } = [];

    /// <summary>Groups to activate of which more users changed meanwhile than fit one entry.</summary>
    public HashSet<long> TooManyChanged { get; } = [];

    /// <summary>How many groups and durable subscriptions a user has. Never too low; exact where it would pass the limit.</summary>
    public Dictionary<long, int> GroupsOf { get; } = [];
    public Dictionary<long, int> FiltersOf { get; } = [];

    /// <summary>Inboxes that are marked.</summary>
    public InboxMarksState Inbox { get; } = new();

    /// <summary>The lowest version that an inbox can still have.</summary>
    public long KeptFrom { get; set; }
}

/// <summary>A group's present generation.</summary>
internal sealed class GroupState
{
    public required long Number { get; init; }
    public required string? Rule { get; set; }
    public required long Members { get; set; }
}

/// <summary>A rule that is worked through: whose work it is now.</summary>
internal readonly record struct RuleState(long Revision, Guid? Owner, bool IsActive);
