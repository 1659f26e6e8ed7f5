using Notify.Storage.Inbox;

namespace Notify.Storage.Directory;

/// <summary>
/// A change of the directory that is part of the log: what it changes begins and ends at the version of its own entry. All
/// or nothing; what changes nothing takes no version. Names are checked by the caller (the contract's "Names").
/// </summary>
public abstract record DirectoryChange
{
    private DirectoryChange()
    {
    }

    /// <summary>How many rows it may write: a batch has at most <see cref="ChangeBatch.MostRows"/> of them.</summary>
    public virtual int Rows => 1;

    /// <summary>
    /// Makes the group, or gives it another rule (null: static). Between static and dynamic its membership begins anew.
    /// <see cref="ChangeOutcome.Created"/> says which.
    /// </summary>
    public sealed record PutGroup(string Group, string? Rule = null) : DirectoryChange;

    /// <summary>Ends the group and all of its memberships at one version. <see cref="ChangeStatus.UnknownGroup"/> without one.</summary>
    public sealed record DeleteGroup(string Group) : DirectoryChange;

    /// <summary>Changes the members of a static group; no user is in both lists.</summary>
    public sealed record ChangeMembers(string Group, IReadOnlyList<string> Add, IReadOnlyList<string> Remove) : DirectoryChange
    {
        /// <inheritdoc/>
        public override int Rows => Add.Count + Remove.Count;
    }

    /// <summary>The user joins these static groups, all at one version.</summary>
    public sealed record JoinGroups(string User, IReadOnlyList<string> Groups) : DirectoryChange
    {
        /// <inheritdoc/>
        public override int Rows => Groups.Count;
    }

    /// <summary>The user leaves these static groups, all at one version.</summary>
    public sealed record LeaveGroups(string User, IReadOnlyList<string> Groups) : DirectoryChange
    {
        /// <inheritdoc/>
        public override int Rows => Groups.Count;
    }

    /// <summary>Durable subscriptions begin, all at one version.</summary>
    public sealed record Subscribe(string User, IReadOnlyList<string> Filters) : DirectoryChange
    {
        /// <inheritdoc/>
        public override int Rows => Filters.Count;
    }

    /// <summary>Durable subscriptions end, all at one version; those that are none are passed over.</summary>
    public sealed record Unsubscribe(string User, IReadOnlyList<string> Filters) : DirectoryChange
    {
        /// <inheritdoc/>
        public override int Rows => Filters.Count;
    }

    /// <summary>
    /// Changes a user's attributes and, at one version, the memberships that the rules make of it.
    /// <see cref="ChangeStatus.Superseded"/> when other rules are in force, or when it moves the user nowhere.
    /// </summary>
    /// <param name="User">The user's name.</param>
    /// <param name="RulesRevision">The rules that <paramref name="Decide"/> knows.</param>
    /// <param name="Decide">What becomes of the attributes as they are under the lock; null: nothing.</param>
    public sealed record ChangeAttributes(string User, long RulesRevision, Func<UserAttributes, AttributesDecision?> Decide) : DirectoryChange;

    /// <summary>
    /// Enters a part of what a changed rule makes other than it was; users whose attributes changed since are looked at anew.
    /// <see cref="ChangeStatus.Superseded"/> when the work is no longer the owner's.
    /// </summary>
    public sealed record ApplyRule(RuleWork Work, RuleTest Rule, IReadOnlyList<RuleDifference> Differences) : DirectoryChange
    {
        /// <inheritdoc/>
        public override int Rows => Differences.Count;
    }

    /// <summary>
    /// A group's first members, filled in up to a mark, are its members from here on; users whose attributes changed since are
    /// looked at anew. <see cref="ChangeStatus.Superseded"/> when the work is no longer the owner's,
    /// <see cref="ChangeStatus.TooManyChanged"/> when they are too many for one entry.
    /// </summary>
    public sealed record ActivateGroup(RuleWork Work, RuleTest Rule, string Mark, long Filled) : DirectoryChange
    {
        /// <inheritdoc/>
        public override int Rows => ChangeBatch.MostRows;
    }

    /// <summary>Stores an API key. <see cref="ChangeStatus.Exists"/> when its id is taken.</summary>
    public sealed record CreateKey(NewApiKey Key) : DirectoryChange;

    /// <summary>Revokes an API key and forgets it. <see cref="ChangeStatus.UnknownKey"/> when there is none.</summary>
    public sealed record RevokeKey(string Key) : DirectoryChange;

    /// <summary>Refuses the user's tokens issued up to this moment, its second included; null: the database's now. Always an entry.</summary>
    public sealed record RevokeTokens(string User, DateTimeOffset? IssuedBefore) : DirectoryChange;

    /// <summary>Closes the user's connections. An entry, unless the user was never mentioned.</summary>
    public sealed record Disconnect(string User) : DirectoryChange;

    /// <summary>Marks items of the user's inbox: either these ones or everything up to a version. All marks of a batch are one entry.</summary>
    /// <param name="User">Whose inbox.</param>
    /// <param name="Operation">What the mark does.</param>
    /// <param name="Epoch">The epoch of the log that the versions are of; nothing is marked in another one.</param>
    /// <param name="Items">Items of the user's, of topics that the filter is for; null: up to <paramref name="UpTo"/>.</param>
    /// <param name="UpTo">The last version that it is for; at most the head that the node knew when it was asked.</param>
    /// <param name="Filter">Only topics that it matches; empty: all.</param>
    /// <param name="Matches">What matching is.</param>
    public sealed record MarkInbox(
        string User, InboxOperation Operation, Guid Epoch, IReadOnlyList<InboxItem>? Items, long UpTo, string Filter, TopicMatch Matches) : DirectoryChange
    {
        /// <summary>
        /// Everything up to there was found marked so already, as of this version: the mark stands for the single ones, and is left
        /// when one of them was taken back since.
        /// </summary>
        public long? FoundAt { get; init; }

        /// <inheritdoc/>
        public override int Rows => Math.Max(1, Items?.Count ?? 1);
    }
}

/// <summary>Changes made in one transaction, in this order: a later one sees what an earlier one did.</summary>
/// <param name="Id">Names the attempt: a repeat after an unknown outcome changes nothing twice and has the first answers.</param>
/// <param name="Changes">At least one; together at most <see cref="MostRows"/> rows, unless it is one alone.</param>
/// <param name="Limits">How much a user may have.</param>
public sealed record ChangeBatch(Guid Id, IReadOnlyList<DirectoryChange> Changes, DirectoryLimits Limits)
{
    /// <summary>The log's lock is held while the rows are written, so they are few: milliseconds.</summary>
    public const int MostRows = 1000;
}

/// <summary>How much a user may have; compared under the log's lock.</summary>
/// <param name="GroupsPerUser">Static and dynamic ones together.</param>
/// <param name="SubscriptionsPerUser">Durable ones.</param>
public sealed record DirectoryLimits(int GroupsPerUser, int SubscriptionsPerUser);

/// <summary>The answer to a batch of changes.</summary>
/// <param name="Epoch">The epoch of the log it is in.</param>
/// <param name="Head">The log's last version after it: what was done before this answer is at or below it.</param>
/// <param name="Outcomes">One for each change, in their order.</param>
/// <param name="Stored">The internal entries stored by this batch: contiguous versions, in order. Empty when nothing changed.</param>
public sealed record ChangeResult(Guid Epoch, long Head, IReadOnlyList<ChangeOutcome> Outcomes, IReadOnlyList<Log.LogEntry> Stored);

/// <summary>What became of a change.</summary>
public enum ChangeStatus
{
    /// <summary>It holds, by this change or already before.</summary>
    Done,

    /// <summary>There is no such group; <see cref="ChangeOutcome.Subject"/> names it.</summary>
    UnknownGroup,

    /// <summary>The members of the group <see cref="ChangeOutcome.Subject"/> are the users that satisfy its rule.</summary>
    DynamicGroup,

    /// <summary>The user <see cref="ChangeOutcome.Subject"/> would be in more groups than the limit.</summary>
    TooManyGroups,

    /// <summary>The user would have more durable subscriptions than the limit.</summary>
    TooManySubscriptions,

    /// <summary>There is no such key.</summary>
    UnknownKey,

    /// <summary>The key's id is taken.</summary>
    Exists,

    /// <summary>What it was decided on is another by now: it is to be decided again.</summary>
    Superseded,

    /// <summary>Too many users' attributes changed since the members were filled in: these are to be looked at first.</summary>
    TooManyChanged,

    /// <summary>The log is in another epoch than the one that the change speaks of.</summary>
    OtherEpoch,

    /// <summary>The user has marked by more filters than are kept.</summary>
    TooManyMarkedFilters,
}

/// <summary>The answer to one change; stored with its entry, so that a repeat has the same.</summary>
public sealed record ChangeOutcome
{
    /// <summary>Done, or why nothing of it was.</summary>
    public ChangeStatus Status { get; init; }

    /// <summary>The version of its entry; 0: it changed nothing.</summary>
    public long Version { get; init; }

    /// <summary>The group was made by this change.</summary>
    public bool Created { get; init; }

    /// <summary>How many memberships or subscriptions began.</summary>
    public int Added { get; init; }

    /// <summary>How many memberships or subscriptions ended.</summary>
    public int Removed { get; init; }

    /// <summary>How many members the group has after it.</summary>
    public long Members { get; init; }

    /// <summary>What the refusal is about: the name of a group or a user.</summary>
    public string? Subject { get; init; }
}

/// <summary>An API key to store.</summary>
/// <param name="Id">Its id, the part of the key that is no secret.</param>
/// <param name="Name">What people call it; need not be unique.</param>
/// <param name="Hash">SHA-256 of its secret.</param>
/// <param name="Publish">Filters that it may publish to.</param>
/// <param name="Subscribe">Filters that it may follow.</param>
/// <param name="Admin">It may do everything.</param>
/// <param name="ExpiresAt">From when on it is refused.</param>
public sealed record NewApiKey(
    string Id, string Name, ReadOnlyMemory<byte> Hash, IReadOnlyList<string> Publish, IReadOnlyList<string> Subscribe, bool Admin, DateTimeOffset? ExpiresAt);
