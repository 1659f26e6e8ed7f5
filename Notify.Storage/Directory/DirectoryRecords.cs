using Notify.Storage.Log;

namespace Notify.Storage.Directory;

/// <summary>Whose people data is read for a session.</summary>
/// <param name="User">The user's name; a user never mentioned before gets a number by this.</param>
/// <param name="Device">The connection's device.</param>
public readonly record struct SessionUser(string User, string? Device);

/// <summary>The people data of some users as one statement saw it: complete up to <see cref="LogHead.Head"/> of <paramref name="Head"/>.</summary>
/// <param name="Head">Epoch, head and oldest of the same snapshot.</param>
/// <param name="Users">One for each that was asked for, in that order.</param>
public sealed record PeopleReading(LogHead Head, IReadOnlyList<UserReading> Users);

/// <summary>What holds, or held at a version that is still kept, for one user.</summary>
/// <param name="Number">How entries of the log name the user.</param>
/// <param name="Name">The user id as clients know it.</param>
/// <param name="Groups">Memberships, those that ended below the oldest version kept left out.</param>
/// <param name="Subscriptions">Durable subscriptions, likewise.</param>
/// <param name="Acknowledged">What the device has acknowledged in this epoch; null: nothing.</param>
public sealed record UserReading(
    long Number, string Name, IReadOnlyList<Membership> Groups, IReadOnlyList<DurableSubscription> Subscriptions, long? Acknowledged);

/// <summary>A membership: where its own interval and that of the group's generation both hold.</summary>
/// <param name="Group">The group's number.</param>
/// <param name="Name">The group's name.</param>
/// <param name="Held">When.</param>
public readonly record struct Membership(long Group, string Name, Interval Held);

/// <summary>One of a user's memberships in a generation of a group.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Held">Where the membership's own interval and that of the generation both hold.</param>
public readonly record struct HeldBy(long User, Interval Held);

/// <summary>A durable subscription.</summary>
/// <param name="Filter">The topic filter.</param>
/// <param name="Held">When.</param>
public readonly record struct DurableSubscription(string Filter, Interval Held);

/// <summary>A user: number and name.</summary>
public readonly record struct DirectoryUser(long Number, string Name);

/// <summary>A group as it is now, or one of its former generations.</summary>
/// <param name="Number">Of this generation.</param>
/// <param name="Name">Its name.</param>
/// <param name="Rule">The rule of a dynamic group; null: static.</param>
/// <param name="Pending">A rule is still being worked through.</param>
/// <param name="Members">How many.</param>
/// <param name="Held">This generation's interval; a dynamic one that is not yet active begins at <see cref="Interval.Open"/>.</param>
public sealed record DirectoryGroup(long Number, string Name, string? Rule, bool Pending, long Members, Interval Held);

/// <summary>What a device has acknowledged.</summary>
/// <param name="Device">Its name.</param>
/// <param name="Version">Everything up to here; 0 when that was in another epoch.</param>
/// <param name="SeenAt">When it was last heard of, by the database's clock.</param>
public sealed record UserDevice(string Device, long Version, DateTimeOffset SeenAt);

/// <summary>A device's acknowledgement to store.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Device">Its name.</param>
/// <param name="Epoch">The epoch of the log that the version is of; one that is not the present one is not stored.</param>
/// <param name="Version">Everything up to here. Never goes back within an epoch.</param>
public readonly record struct Acknowledgement(long User, string Device, Guid Epoch, long Version);

/// <summary>A stored API key.</summary>
/// <param name="Number">Where it stands in lists: the version of its entry.</param>
/// <param name="Key">As it was stored.</param>
/// <param name="CreatedAt">When, by the database's clock.</param>
/// <param name="LastUsedAt">Coarse: as of some minutes.</param>
public sealed record ApiKey(long Number, NewApiKey Key, DateTimeOffset CreatedAt, DateTimeOffset? LastUsedAt);

/// <summary>From when on a user's tokens must be.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Name">The user's name.</param>
/// <param name="IssuedBefore">Tokens issued up to this second are refused.</param>
/// <param name="Version">The version of the entry that said so.</param>
public sealed record TokenRevocation(long User, string Name, DateTimeOffset IssuedBefore, long Version);

/// <summary>A page of a list.</summary>
/// <param name="Items">In the order of the list's index.</param>
/// <param name="Next">Where the next page begins: hand it back as <c>after</c>. Null at the end.</param>
/// <typeparam name="T">What is listed.</typeparam>
/// <typeparam name="TPlace">What says where the next page begins.</typeparam>
public sealed record DirectoryPage<T, TPlace>(IReadOnlyList<T> Items, TPlace? Next)
    where TPlace : struct;

/// <summary>A user's attributes, as they were read.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Name">The user's name.</param>
/// <param name="Json">A JSON object with <c>self</c>, what the user says of itself, as one of its members; null: no attributes.</param>
/// <param name="Stamp">Another one after every change.</param>
/// <param name="ClaimsIssuedAt">When the token was issued that attributes were last taken from.</param>
public sealed record UserAttributes(long User, string Name, string? Json, long Stamp, DateTimeOffset? ClaimsIssuedAt)
{
    /// <summary>The numbers of the active groups with a rule that the user is in.</summary>
    public IReadOnlyCollection<long> RuledGroups { get; init; } = [];
}

/// <summary>Some users' attributes.</summary>
/// <param name="RulesRevision">Which rules are in force: a change that was found to move no user is stored only under the same.</param>
/// <param name="Users">One for each that was asked for, in that order.</param>
public sealed record AttributesReading(long RulesRevision, IReadOnlyList<UserAttributes> Users)
{
    /// <summary>The epoch of the log: a revision counts within one.</summary>
    public Guid Epoch { get; init; }
}

/// <summary>Attributes to store.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Stamp">Of the attributes that these were made from.</param>
/// <param name="Json">All of them; null: none.</param>
/// <param name="ClaimsIssuedAt">As in <see cref="UserAttributes"/>.</param>
public sealed record NewAttributes(long User, long Stamp, string? Json, DateTimeOffset? ClaimsIssuedAt)
{
    /// <summary>
    /// What the rules say of them, and what was found to be so: stored only while it is. Without it a rule that is being
    /// worked through could move the user between the look and the write.
    /// </summary>
    public IReadOnlyList<GroupDecision> Groups { get; init; } = [];
}
