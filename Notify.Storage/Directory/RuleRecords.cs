namespace Notify.Storage.Directory;

/// <summary>A rule in the two forms in which stores evaluate it, with the same result.</summary>
/// <param name="JsonPath">For Postgres: a predicate of <c>jsonb_path_match</c>.</param>
/// <param name="Vars">For Postgres: its variables, a JSON object.</param>
/// <param name="IsSatisfied">For SQLite, and for one user's change: whether attributes (null: none) satisfy it for certain.</param>
public sealed record RuleTest(string JsonPath, string Vars, Func<string?, bool> IsSatisfied);

/// <summary>The rule of a group's present generation, or of one that has ended.</summary>
/// <param name="Group">The generation's number.</param>
/// <param name="Rule">The rule's text.</param>
/// <param name="Revision">The revision of the rules at which it came, became active or ended.</param>
/// <param name="IsActive">Its members are the users that satisfy it; before, they are still being filled in.</param>
/// <param name="IsEnded">The generation has ended.</param>
public sealed record StoredRule(long Group, string Rule, long Revision, bool IsActive, bool IsEnded);

/// <summary>The rules that changed since a revision.</summary>
/// <param name="Epoch">The epoch of the log.</param>
/// <param name="Revision">The revision that these bring the older ones to.</param>
/// <param name="Rules">Ended ones are among them only where an older revision was asked about.</param>
public sealed record RulesReading(Guid Epoch, long Revision, IReadOnlyList<StoredRule> Rules);

/// <summary>A rule that is to be worked through, and whose work it is. Done under it is only what finds both as they are here.</summary>
/// <param name="Group">The number of the group's generation.</param>
/// <param name="Rule">The rule's text.</param>
/// <param name="Revision">The revision at which this rule came.</param>
/// <param name="IsActive">False: its first members are to be filled in.</param>
/// <param name="Owner">The owner of the lease.</param>
public sealed record RuleWork(long Group, string Rule, long Revision, bool IsActive, Guid Owner);

/// <summary>A user whose membership is not what the rule says.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Stamp">Of the attributes that this was found from.</param>
/// <param name="IsSatisfied">What the rule said of them.</param>
public sealed record RuleDifference(long User, long Stamp, bool IsSatisfied);

/// <summary>Some users' differences.</summary>
/// <param name="Differences">By number.</param>
/// <param name="Next">Where the next slice begins; null: this was the last.</param>
public sealed record RuleSlice(IReadOnlyList<RuleDifference> Differences, long? Next);

/// <summary>A step of filling in a group's first members.</summary>
/// <param name="Mark">What changed after this snapshot is to be looked at again.</param>
/// <param name="Looked">How many users were looked at.</param>
/// <param name="Next">Where the next slice begins; null: this was the last.</param>
public sealed record FillStep(string Mark, int Looked, long? Next);

/// <summary>What a rule would make, over some users.</summary>
/// <param name="Members">How many satisfy it.</param>
/// <param name="Examples">Names of some of them.</param>
/// <param name="Next">Where the next slice begins; null: this was the last.</param>
public sealed record RulePreview(long Members, IReadOnlyList<string> Examples, long? Next);

/// <summary>Whether a user is to be a member of a group.</summary>
/// <param name="Group">The number of a generation.</param>
/// <param name="IsMember">What its rule says.</param>
public readonly record struct GroupDecision(long Group, bool IsMember);

/// <summary>What becomes of a user's attributes.</summary>
/// <param name="Json">All of them; null: none.</param>
/// <param name="ClaimsIssuedAt">As in <see cref="UserAttributes"/>.</param>
/// <param name="Groups">What the rules say that name an attribute which changes; active ones.</param>
public sealed record AttributesDecision(string? Json, DateTimeOffset? ClaimsIssuedAt, IReadOnlyList<GroupDecision> Groups);
