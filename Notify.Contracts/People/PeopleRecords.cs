using System.Text.Json;
using System.Text.Json.Serialization;
using Notify.Contracts.Wire;

namespace Notify.Contracts.People;

/// <summary>A page of a list.</summary>
/// <typeparam name="T">What the list holds.</typeparam>
public sealed record Page<T>
{
    /// <summary>In the order of the list.</summary>
    public required IReadOnlyList<T> Items { get; init; }

    /// <summary>The <c>after</c> of the next page; absent on the last.</summary>
    public string? Next { get; init; }
}

/// <summary>The answer to <c>GET /api/v1/users/me</c>: the caller's identity, and what it may.</summary>
public sealed record CallerIdentity
{
    /// <summary>The user; absent for a caller without one.</summary>
    public string? User { get; init; }

    /// <summary>The device that the caller named.</summary>
    public string? Device { get; init; }

    /// <summary>May do everything.</summary>
    public required bool Admin { get; init; }

    /// <summary>The filters of what it may publish.</summary>
    public required IReadOnlyList<string> Publish { get; init; }

    /// <summary>The filters that it may follow.</summary>
    public required IReadOnlyList<string> Subscribe { get; init; }

    /// <summary>The groups that it may join; <c>+</c> for any.</summary>
    public required IReadOnlyList<string> Join { get; init; }

    /// <summary>The groups that the user is a member of.</summary>
    public required IReadOnlyList<string> Groups { get; init; }

    /// <summary>The groups that the token names.</summary>
    public required IReadOnlyList<string> TokenGroups { get; init; }
}

/// <summary>A group.</summary>
public sealed record Group
{
    /// <summary>Its name.</summary>
    public required string Name { get; init; }

    /// <summary>Users that satisfy it are the members; absent on a static group.</summary>
    public string? Rule { get; init; }

    /// <summary>How many members it has.</summary>
    public required long Members { get; init; }

    /// <summary>True while a changed rule is being worked through; otherwise absent.</summary>
    public bool? Pending { get; init; }
}

/// <summary>The body of <c>PUT /api/v1/groups/{group}</c>.</summary>
public sealed record PutGroup
{
    /// <summary>The rule of a dynamic group; absent: a static one.</summary>
    public string? Rule { get; init; }
}

/// <summary>Members to add to and to remove from a static group, together at most 1,000.</summary>
public sealed record ChangeMembers
{
    /// <summary>Users to add.</summary>
    public IReadOnlyList<string>? Add { get; init; }

    /// <summary>Users to remove.</summary>
    public IReadOnlyList<string>? Remove { get; init; }
}

/// <summary>The answer to <see cref="ChangeMembers"/>.</summary>
/// <param name="Added">How many were no members before.</param>
/// <param name="Removed">How many were members before.</param>
/// <param name="Members">How many there are now.</param>
public sealed record MembersChanged(int Added, int Removed, long Members);

/// <summary>Whether a user is a member of a group, and by which parts of its rule.</summary>
public sealed record MemberExplanation
{
    /// <summary>The user is a member.</summary>
    public required bool Member { get; init; }

    /// <summary>The rule; absent on a static group.</summary>
    public string? Rule { get; init; }

    /// <summary>The comparisons of the rule, each with its value for this user.</summary>
    public IReadOnlyList<RulePart>? Parts { get; init; }

    /// <summary>True while a changed rule is being worked through; otherwise absent.</summary>
    public bool? Pending { get; init; }
}

/// <summary>A comparison of a rule.</summary>
/// <param name="Rule">The comparison.</param>
/// <param name="Value"><c>true</c>, <c>false</c> or <c>unknown</c>.</param>
public sealed record RulePart(string Rule, string Value);

/// <summary>A user's durable subscriptions, to add, to remove or as they are.</summary>
/// <param name="Topics">The topic filters.</param>
public sealed record DurableSubscriptions(IReadOnlyList<string> Topics);

/// <summary>A device of a user.</summary>
public sealed record UserDevice
{
    /// <summary>Its name.</summary>
    public required string Device { get; init; }

    /// <summary>The version that it has acknowledged.</summary>
    public required long Version { get; init; }

    /// <summary>When it was seen last.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public required DateTimeOffset SeenAt { get; init; }
}

/// <summary>A new API key.</summary>
public sealed record NewApiKey
{
    /// <summary>The publisher's name on what is published with it.</summary>
    public required string Name { get; init; }

    /// <summary>Filters of what it may publish.</summary>
    public IReadOnlyList<string>? Publish { get; init; }

    /// <summary>Filters that it may follow.</summary>
    public IReadOnlyList<string>? Subscribe { get; init; }

    /// <summary>May do everything.</summary>
    public bool? Admin { get; init; }

    /// <summary>When it ends; absent: never.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? ExpiresAt { get; init; }
}

/// <summary>An API key.</summary>
public sealed record ApiKey
{
    /// <summary>Names it in calls.</summary>
    public required string Id { get; init; }

    /// <summary>The secret, <c>ntf_…</c>: in the answer that made it, and never again.</summary>
    public string? Key { get; init; }

    /// <inheritdoc cref="NewApiKey.Name"/>
    public required string Name { get; init; }

    /// <inheritdoc cref="NewApiKey.Publish"/>
    public IReadOnlyList<string>? Publish { get; init; }

    /// <inheritdoc cref="NewApiKey.Subscribe"/>
    public IReadOnlyList<string>? Subscribe { get; init; }

    /// <inheritdoc cref="NewApiKey.Admin"/>
    public bool? Admin { get; init; }

    /// <summary>When it was made.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? CreatedAt { get; init; }

    /// <inheritdoc cref="NewApiKey.ExpiresAt"/>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>When it was used last.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? LastUsedAt { get; init; }
}

/// <summary>Attributes of a user.</summary>
/// <param name="Attributes">The object.</param>
public sealed record UserAttributes(JsonElement Attributes);

/// <summary>Tokens of a user that are good no longer.</summary>
public sealed record RevokeTokens
{
    /// <summary>Those issued up to this moment; absent: up to now.</summary>
    [JsonConverter(typeof(Rfc3339Converter))] public DateTimeOffset? IssuedBefore { get; init; }
}
