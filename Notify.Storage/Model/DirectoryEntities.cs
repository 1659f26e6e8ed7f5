namespace Notify.Storage.Model;

/// <summary>A user, made when first mentioned. The log knows the number alone.</summary>
internal sealed class UserRow
{
    public long Id { get; set; }
    public required string Name { get; set; }

    /// <summary>A JSON object, <c>self</c> a member of it; null: none. Postgres: <c>jsonb</c>, for rules to be matched against.</summary>
    public string? Attributes { get; set; }

    /// <summary>
    /// Another one after every change of the attributes. Postgres: the changing transaction's id, so that what changed
    /// since a snapshot can be found; SQLite: a counter.
    /// </summary>
    public long AttributesStamp { get; set; }

    /// <summary>When the token was issued that attributes were last taken from.</summary>
    public DateTimeOffset? ClaimsIssuedAt { get; set; }

    /// <summary>When the user's last connection went.</summary>
    public DateTimeOffset? LastSeenAt { get; set; }
}

/// <summary>
/// One generation of a group. Its number is the version at which it was made; no two living ones have the same name.
/// Deleting a group ends this row alone, whatever the number of its memberships: they hold where both intervals do.
/// </summary>
internal sealed class GroupRow
{
    public long Id { get; set; }
    public required string Name { get; set; }
    public long Since { get; set; }
    public long Until { get; set; }

    /// <summary>Null: static.</summary>
    public string? Rule { get; set; }

    /// <summary>The revision of the rules at which this rule came; work done for an earlier one is dropped.</summary>
    public long RuleRevision { get; set; }

    /// <summary>The rule is still being worked through.</summary>
    public bool Pending { get; set; }
    public long Members { get; set; }

    /// <summary>Which node works the rule through, and until when it may.</summary>
    public Guid? LeaseOwner { get; set; }
    public DateTimeOffset? LeaseExpiresAt { get; set; }
}

/// <summary>A membership's interval; joining again adds a row.</summary>
internal sealed class MembershipRow
{
    public long UserId { get; set; }
    public long GroupId { get; set; }
    public long Since { get; set; }
    public long Until { get; set; }
}

/// <summary>A durable subscription's interval.</summary>
internal sealed class SubscriptionRow
{
    public long UserId { get; set; }
    public required string Filter { get; set; }
    public long Since { get; set; }
    public long Until { get; set; }
}

/// <summary>What a device has acknowledged, in one epoch of the log.</summary>
internal sealed class DeviceRow
{
    public long UserId { get; set; }
    public required string Device { get; set; }
    public Guid Epoch { get; set; }
    public long Version { get; set; }
    public DateTimeOffset SeenAt { get; set; }
}

/// <summary>An API key; gone when it is revoked.</summary>
internal sealed class ApiKeyRow
{
    public required string Id { get; set; }

    /// <summary>The version of the entry that says it was stored.</summary>
    public long Number { get; set; }
    public required string Name { get; set; }
    public required byte[] Hash { get; set; }

    /// <summary>JSON arrays of filters.</summary>
    public required string Publish { get; set; }
    public required string Subscribe { get; set; }
    public bool Admin { get; set; }
    public DateTimeOffset CreatedAt { get; set; }
    public DateTimeOffset? ExpiresAt { get; set; }
    public DateTimeOffset? LastUsedAt { get; set; }
}

/// <summary>A user's tokens issued up to a moment are refused.</summary>
internal sealed class TokenRevocationRow
{
    public long UserId { get; set; }
    public DateTimeOffset IssuedBefore { get; set; }
    public long Version { get; set; }
}

/// <summary>
/// The directory's one row. A change of attributes holds it shared, a change of rules alone: neither is made for a rule that
/// is another one meanwhile.
/// </summary>
internal sealed class DirectoryRow
{
    public short Id { get; set; }
    public long RulesRevision { get; set; }

    /// <summary>A first API key closes the open mode, and no deletion opens it again.</summary>
    public bool KeysStored { get; set; }

    /// <summary>SQLite: the last stamp given to attributes.</summary>
    public long Stamp { get; set; }
}
