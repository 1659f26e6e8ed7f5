using System.Runtime.Serialization;
using System.Text.Json.Serialization;

namespace Notify.Contracts.Hub;

/// <summary>"This is the last version I have, this is what I follow here."</summary>
[DataContract]
public sealed record ResumeRequest
{
    /// <summary>The last version the client has; absent: from now.</summary>
    [DataMember(Name = "since")] public long? Since { get; init; }

    /// <summary>The epoch of the log in which <see cref="Since"/> was obtained; absent: a replaced log goes unnoticed.</summary>
    [DataMember(Name = "epoch")] public string? Epoch { get; init; }

    /// <summary>The topic filters to follow on this connection; absent: none.</summary>
    [DataMember(Name = "topics")] public IReadOnlyList<string>? Topics { get; init; }

    /// <summary>Send <c>InboxChanged</c> to this connection.</summary>
    [DataMember(Name = "inbox"), JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)] public bool Inbox { get; init; }
}

/// <summary>The answer to Resume, on the wire before the first notification.</summary>
/// <param name="Head">The last version of the log when the call was answered.</param>
/// <param name="Epoch">The epoch of the log.</param>
/// <param name="Since">The version after which this connection's delivery begins.</param>
/// <param name="Topics">What the connection follows.</param>
[DataContract]
public sealed record ResumeResult(
    [property: DataMember(Name = "head")] long Head,
    [property: DataMember(Name = "epoch")] string Epoch,
    [property: DataMember(Name = "since")] long Since,
    [property: DataMember(Name = "topics")] IReadOnlyList<string> Topics)
{
    /// <summary>The user that the connection is of; absent for one without a user.</summary>
    [DataMember(Name = "user")] public string? User { get; init; }

    /// <summary>The names of the groups that the user is a member of; absent without a user.</summary>
    [DataMember(Name = "groups")] public IReadOnlyList<string>? Groups { get; init; }

    /// <summary>The names of the groups that the token names; absent without a user.</summary>
    [DataMember(Name = "tokenGroups")] public IReadOnlyList<string>? TokenGroups { get; init; }
}

/// <summary>Filters to follow from now on.</summary>
[DataContract]
public sealed record SubscribeRequest
{
    /// <summary>The filters to add.</summary>
    [DataMember(Name = "topics", IsRequired = true)] public IReadOnlyList<string>? Topics { get; init; }

    /// <summary>Keep them for the user, on every device, until unsubscribed; otherwise for this connection.</summary>
    [DataMember(Name = "durable")] public bool Durable { get; init; }
}

/// <summary>The answer to Subscribe.</summary>
/// <param name="Head">Only versions above this one come for the new filters.</param>
/// <param name="Topics">What the connection follows now.</param>
[DataContract]
public sealed record SubscribeResult(
    [property: DataMember(Name = "head")] long Head,
    [property: DataMember(Name = "topics")] IReadOnlyList<string> Topics);

/// <summary>Filters to follow no longer.</summary>
[DataContract]
public sealed record UnsubscribeRequest
{
    /// <summary>The filters to remove; ones not followed are passed over.</summary>
    [DataMember(Name = "topics", IsRequired = true)] public IReadOnlyList<string>? Topics { get; init; }
}

/// <summary>The answer to Unsubscribe: nothing that only a removed filter matched is sent after it.</summary>
/// <param name="Topics">What the connection follows now.</param>
[DataContract]
public sealed record UnsubscribeResult([property: DataMember(Name = "topics")] IReadOnlyList<string> Topics);

/// <summary>A fresh token on a living connection.</summary>
[DataContract]
public sealed record ReauthenticateRequest
{
    /// <summary>A token of the same user.</summary>
    [DataMember(Name = "token", IsRequired = true)] public string? Token { get; init; }

    /// <summary>Nothing prints the token: SignalR logs calls with their arguments at Debug.</summary>
    public override string ToString() => nameof(ReauthenticateRequest);
}

/// <summary>The answer to Reauthenticate.</summary>
[DataContract]
public sealed record ReauthenticateResult
{
    /// <summary>When the token expires.</summary>
    [DataMember(Name = "expiresAt")] public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>What the connection still follows by name.</summary>
    [DataMember(Name = "topics")] public required IReadOnlyList<string> Topics { get; init; }
}

/// <summary>The connection has had everything that was missed and is live.</summary>
/// <param name="Head">The version up to which this connection has everything: a valid <c>since</c>.</param>
/// <param name="Epoch">The epoch of the log.</param>
[DataContract]
public sealed record CaughtUp(
    [property: DataMember(Name = "head")] long Head,
    [property: DataMember(Name = "epoch")] string Epoch);

/// <summary>The connection has everything up to here, although nothing came for it of late.</summary>
/// <param name="Version">A valid <c>since</c>.</param>
/// <param name="Epoch">The epoch of the log.</param>
[DataContract]
public sealed record Progress(
    [property: DataMember(Name = "version")] long Version,
    [property: DataMember(Name = "epoch")] string Epoch);

/// <summary>Versions that the client did not have and will not get.</summary>
/// <param name="Since">The version after which the client asked to go on.</param>
/// <param name="Oldest">What follows starts here.</param>
/// <param name="Head">The last version of the log.</param>
/// <param name="Epoch">The epoch of the log from here on.</param>
/// <param name="Reason"><c>retention</c> or <c>epoch</c> (<c>GapReasons</c>).</param>
[DataContract]
public sealed record Gap(
    [property: DataMember(Name = "since")] long Since,
    [property: DataMember(Name = "oldest")] long Oldest,
    [property: DataMember(Name = "head")] long Head,
    [property: DataMember(Name = "epoch")] string Epoch,
    [property: DataMember(Name = "reason")] string Reason);

/// <summary>Why there is a <see cref="Gap"/>.</summary>
public static class GapReasons
{
    /// <summary>What was missed is older than the oldest version kept.</summary>
    public const string Retention = "retention";

    /// <summary>The log is another one than the client's, or the client's version is above its head.</summary>
    public const string Epoch = "epoch";
}
