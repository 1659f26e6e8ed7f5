using System.Text.Json;
using System.Text.Json.Serialization;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Storage.Directory;

/// <summary>
/// What an internal entry says. Users and groups are numbers of the directory, so that erasing a user later is one row
/// there and not the log; attribute values are never in it.
/// </summary>
public abstract record DirectoryEntry
{
    private protected DirectoryEntry()
    {
    }

    /// <summary>The version of the entry: what it begins holds above it, what it ends holds up to it.</summary>
    [JsonIgnore]
    public long Version { get; init; }

    /// <summary>The kind under which it is stored.</summary>
    [JsonIgnore]
    public abstract EntryKind Kind { get; }

    /// <summary>The highest kind that this node knows, and with it all below. A new one is written only once every node knows it.</summary>
    public const EntryKind NewestKind = EntryKind.InboxMarked;

    /// <summary>Whether this node knows the kind of this entry.</summary>
    public static bool IsKnown(EntryKind kind) => kind is >= EntryKind.Notification and <= NewestKind;

    /// <summary>Reads the content of an internal entry of the directory.</summary>
    /// <exception cref="UnknownEntryException">This node knows no such kind, or cannot read what it says.</exception>
    public static DirectoryEntry Parse(LogEntry entry)
    {
        try
        {
            var content = entry.Content.Span;
            DirectoryEntry? read = entry.Kind switch
            {
                EntryKind.GroupChanged => JsonSerializer.Deserialize(content, DirectoryJson.Default.GroupChanged),
                EntryKind.MembersChanged => JsonSerializer.Deserialize(content, DirectoryJson.Default.MembersChanged),
                EntryKind.SubscriptionsChanged => JsonSerializer.Deserialize(content, DirectoryJson.Default.SubscriptionsChanged),
                EntryKind.KeysChanged => JsonSerializer.Deserialize(content, DirectoryJson.Default.KeysChanged),
                EntryKind.TokensRevoked => JsonSerializer.Deserialize(content, DirectoryJson.Default.TokensRevoked),
                EntryKind.Disconnected => JsonSerializer.Deserialize(content, DirectoryJson.Default.Disconnected),
                EntryKind.InboxMarked => JsonSerializer.Deserialize(content, DirectoryJson.Default.InboxMarked),
                _ => null,
            };
            return read is null ? throw new UnknownEntryException(entry.Version, entry.Kind) : read with { Version = entry.Version };
        }
        catch (JsonException exception)
        {
            throw new UnknownEntryException(entry.Version, entry.Kind, exception);
        }
    }

    /// <summary>The entry's content, as it is stored.</summary>
    internal byte[] ToContent() => this switch
    {
        GroupChanged change => JsonSerializer.SerializeToUtf8Bytes(change, DirectoryJson.Default.GroupChanged),
        MembersChanged change => JsonSerializer.SerializeToUtf8Bytes(change, DirectoryJson.Default.MembersChanged),
        SubscriptionsChanged change => JsonSerializer.SerializeToUtf8Bytes(change, DirectoryJson.Default.SubscriptionsChanged),
        KeysChanged change => JsonSerializer.SerializeToUtf8Bytes(change, DirectoryJson.Default.KeysChanged),
        TokensRevoked change => JsonSerializer.SerializeToUtf8Bytes(change, DirectoryJson.Default.TokensRevoked),
        Disconnected change => JsonSerializer.SerializeToUtf8Bytes(change, DirectoryJson.Default.Disconnected),
        InboxMarked change => JsonSerializer.SerializeToUtf8Bytes(change, DirectoryJson.Default.InboxMarked),
        _ => throw new NotSupportedException(GetType().Name),
    };
}

/// <summary>What became of a group.</summary>
public enum GroupChange
{
    /// <summary>It is there, and has no members yet.</summary>
    Created,

    /// <summary>It is gone: all of its memberships end at this version.</summary>
    Deleted,

    /// <summary>
    /// It changed between static and dynamic: <see cref="GroupChanged.Replaced"/> ends with all of its memberships, and this one begins
    /// anew.
    /// </summary>
    Replaced,

    /// <summary>Its rule is another one; the new members are computed, and entered in steps.</summary>
    RuleChanged,

    /// <summary>A dynamic group begins: the members that were filled in beforehand are its members above this version.</summary>
    Activated,
}

/// <summary>One row and one entry, whatever the size of the group.</summary>
/// <param name="Group">The number of the group's present generation: the version at which it was made.</param>
/// <param name="Change">What became of it.</param>
/// <param name="Replaced">The generation that ends, where it is another one.</param>
public sealed record GroupChanged(long Group, GroupChange Change, long? Replaced = null) : DirectoryEntry
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override EntryKind Kind => EntryKind.GroupChanged;
}

/// <summary>Memberships that begin and end at one version.</summary>
/// <param name="Groups">Each group once.</param>
public sealed record MembersChanged(IReadOnlyList<GroupMembersChanged> Groups) : DirectoryEntry
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override EntryKind Kind => EntryKind.MembersChanged;
}

/// <summary>The users that joined and left one group. No user is in both.</summary>
/// <param name="Group">The number of the group.</param>
/// <param name="Joined">Numbers of users whose membership holds above the entry's version.</param>
/// <param name="Left">Numbers of users whose membership holds up to the entry's version.</param>
public sealed record GroupMembersChanged(long Group, IReadOnlyList<long> Joined, IReadOnlyList<long> Left);

/// <summary>Durable subscriptions of one user that begin and end at one version.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Added">Filters that hold above the entry's version.</param>
/// <param name="Removed">Filters that hold up to the entry's version.</param>
public sealed record SubscriptionsChanged(long User, IReadOnlyList<string> Added, IReadOnlyList<string> Removed) : DirectoryEntry
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override EntryKind Kind => EntryKind.SubscriptionsChanged;
}

/// <summary>An API key was stored, or revoked: then its connections are closed.</summary>
/// <param name="Key">The key's id.</param>
/// <param name="Revoked">False: it was stored.</param>
public sealed record KeysChanged(string Key, bool Revoked) : DirectoryEntry
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override EntryKind Kind => EntryKind.KeysChanged;
}

/// <summary>
/// The user's tokens issued up to a moment are refused, and connections that used one are closed. The last one wins, also with an earlier
/// moment.
/// </summary>
/// <param name="User">The user's number.</param>
/// <param name="IssuedBefore">In whole seconds; a token issued in that second is refused too.</param>
public sealed record TokensRevoked(long User, DateTimeOffset IssuedBefore) : DirectoryEntry
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override EntryKind Kind => EntryKind.TokensRevoked;
}

/// <summary>The user's connections are closed; they may come back.</summary>
/// <param name="User">The user's number.</param>
public sealed record Disconnected(long User) : DirectoryEntry
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override EntryKind Kind => EntryKind.Disconnected;
}

/// <summary>Marks of inboxes, made together.</summary>
/// <param name="Marks">In the order in which they were made.</param>
public sealed record InboxMarked(IList<MarkedInbox> Marks) : DirectoryEntry
{
    /// <inheritdoc/>
    [JsonIgnore]
    public override EntryKind Kind => EntryKind.InboxMarked;
}

/// <summary>A mark of one inbox.</summary>
/// <param name="User">The user's number.</param>
/// <param name="Operation">What it did.</param>
/// <param name="UpTo">Everything up to this version; null: <paramref name="Versions"/>.</param>
/// <param name="Versions">The items.</param>
/// <param name="Filter">Only topics that it matches; null: all.</param>
public sealed record MarkedInbox(long User, InboxOperation Operation, long? UpTo, IReadOnlyList<long>? Versions, string? Filter);

/// <summary>An internal entry that this version of the program cannot read. It could be a revocation: the node must not go on.</summary>
public sealed class UnknownEntryException(long version, EntryKind kind, Exception? inner = null)
    : Exception($"Entry {version} of the log has the kind {(short)kind}, which this version of the program cannot read; run a newer one.", inner);

[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UseStringEnumConverter = true)]
[JsonSerializable(typeof(GroupChanged))]
[JsonSerializable(typeof(MembersChanged))]
[JsonSerializable(typeof(SubscriptionsChanged))]
[JsonSerializable(typeof(KeysChanged))]
[JsonSerializable(typeof(TokensRevoked))]
[JsonSerializable(typeof(Disconnected))]
[JsonSerializable(typeof(InboxMarked))]
[JsonSerializable(typeof(List<InboxStep>))]
[JsonSerializable(typeof(ChangeOutcome[]))]
[JsonSerializable(typeof(string[]))]
internal sealed partial class DirectoryJson : JsonSerializerContext;
