namespace Notify.Storage.Log;

/// <summary>The place of the log, as committed.</summary>
/// <param name="Epoch">One epoch of the log.</param>
/// <param name="Head">Its last version; 0 when nothing was ever stored.</param>
/// <param name="Oldest">The oldest version kept; 1 at first, head + 1 when nothing is kept.</param>
public readonly record struct LogHead(Guid Epoch, long Head, long Oldest)
{
    /// <summary>The database's clock when this was read; the default where the database has no clock but the process's (SQLite).</summary>
    public DateTimeOffset Now { get; init; }

    /// <summary>
    /// The version of the last internal entry; 0: there was none. A node that has passed it without having applied it was
    /// misled by a hint, and reads anew.
    /// </summary>
    public long LastChange { get; init; }
}

/// <summary>What an entry is for; the number is stored and never given again.</summary>
/// <remarks>
/// All but <see cref="Notification"/> are internal: a change that every tail applies at its version, never sent to clients
/// and without a topic sequence. <see cref="Directory.DirectoryEntry"/> reads their contents. A node that meets a kind that
/// it does not know must stop: it could be a revocation.
/// </remarks>
public enum EntryKind : short
{
    /// <summary>Delivered to the followers of its topic.</summary>
    Notification = 0,

    /// <summary>A group was made, ended, replaced or activated, or its rule is another one.</summary>
    GroupChanged = 1,

    /// <summary>Users joined or left groups.</summary>
    MembersChanged = 2,

    /// <summary>Durable subscriptions of a user began or ended.</summary>
    SubscriptionsChanged = 3,

    /// <summary>An API key was stored or revoked.</summary>
    KeysChanged = 4,

    /// <summary>A user's tokens are refused up to a moment of their issue.</summary>
    TokensRevoked = 5,

    /// <summary>A user's connections are to be closed.</summary>
    Disconnected = 6,

    /// <summary>Marks of inboxes.</summary>
    InboxMarked = 7,
}

/// <summary>A stored entry.</summary>
public sealed record LogEntry
{
    /// <summary>The place in the log: from 1, without a hole.</summary>
    public required long Version { get; init; }

    /// <summary>The UUIDv7 that the node gave it.</summary>
    public required Guid Id { get; init; }

    /// <summary>A notification, or a change of the people.</summary>
    public EntryKind Kind { get; init; }

    /// <summary>The topic; for an internal entry a word for the kind of change.</summary>
    public required string Topic { get; init; }

    /// <summary>Dense per topic from 1; 0 for an internal entry.</summary>
    public long TopicSeq { get; init; }

    /// <summary>By the database's clock, after the lock; UTC.</summary>
    public required DateTimeOffset PublishedAt { get; init; }

    /// <summary>From when on it is not sent any more; null: never.</summary>
    public DateTimeOffset? ExpiresAt { get; init; }

    /// <summary>A UTF-8 JSON object, byte for byte as it was appended.</summary>
    public required ReadOnlyMemory<byte> Content { get; init; }
}

/// <summary>Some entries in version order.</summary>
/// <param name="Entries">In version order. May be fewer than asked for although more follow.</param>
/// <param name="Through">Complete up to here: no entry of what was asked for lies between the last one returned and this version.</param>
/// <param name="Head">Where the log was, with <see cref="LogHead.Head"/> read before the rows and <see cref="LogHead.Oldest"/> after them:
/// when the version after the one asked from is below it, rows may be missing.</param>
public sealed record LogPage(IReadOnlyList<LogEntry> Entries, long Through, LogHead Head);

/// <summary>A topic that something was published to.</summary>
public readonly record struct LogTopic(long Id, string Name);

/// <summary>An entry to append.</summary>
public sealed record NewEntry
{
    /// <summary>A UUIDv7 given by the node.</summary>
    public required Guid Id { get; init; }

    /// <inheritdoc cref="LogEntry.Kind"/>
    public EntryKind Kind { get; init; }

    /// <inheritdoc cref="LogEntry.Topic"/>
    public required string Topic { get; init; }

    /// <inheritdoc cref="LogEntry.Content"/>
    public required ReadOnlyMemory<byte> Content { get; init; }

    /// <summary>Whole seconds until it expires; null: never.</summary>
    public long? TtlSeconds { get; init; }

    /// <summary>Under which it is appended once; null: as often as it is asked for.</summary>
    public IdempotencyKey? Key { get; init; }
}

/// <summary>Under which an append is done once.</summary>
/// <param name="Publisher">The publisher: keys of different publishers never collide.</param>
/// <param name="Key">The publisher's key.</param>
/// <param name="RequestHash">SHA-256 of what was asked; another one under the same key is a conflict.</param>
public sealed record IdempotencyKey(string Publisher, string Key, ReadOnlyMemory<byte> RequestHash);

/// <summary>What is appended in one transaction.</summary>
/// <param name="Id">Names the attempt, so that a repeat after an unknown outcome stores nothing twice.</param>
/// <param name="Entries">At least one, in the order in which they get versions.</param>
public sealed record AppendBatch(Guid Id, IReadOnlyList<NewEntry> Entries);

/// <summary>The answer to an append, known to be committed.</summary>
/// <param name="Epoch">The epoch of the log it is in.</param>
/// <param name="Outcomes">One for each entry of the batch, in its order.</param>
/// <param name="Stored">The entries stored by this batch: contiguous versions, in order. Empty when all were repeats or refused.</param>
public sealed record AppendResult(Guid Epoch, IReadOnlyList<AppendOutcome> Outcomes, IReadOnlyList<LogEntry> Stored);

/// <summary>What became of one entry.</summary>
public abstract record AppendOutcome
{
    private AppendOutcome()
    {
    }

    /// <summary>Stored by this batch.</summary>
    public sealed record Stored(LogEntry Entry) : AppendOutcome;

    /// <summary>Stored before under its idempotency key: the first answer.</summary>
    public sealed record Replayed(Guid Id, long Version, string Topic, DateTimeOffset PublishedAt) : AppendOutcome;

    /// <summary>Its idempotency key belongs to another request.</summary>
    public sealed record Conflict : AppendOutcome;

    /// <summary>The database does not take this row; <paramref name="Reason"/> is for the log, not for the caller.</summary>
    public sealed record Refused(string Reason) : AppendOutcome;
}

/// <summary>Storage did not answer, is locked, full or read-only. Nothing was stored.</summary>
public sealed class StorageUnavailableException(string message, Exception? inner = null) : Exception(message, inner)
{
    /// <summary>Whether, and when, trying again makes sense.</summary>
    public StorageFailure Kind { get; init; }
}

/// <summary>The connection broke after an append was submitted: it may be stored, now or later.</summary>
public sealed class AppendOutcomeUnknownException(string message, Exception? inner = null) : Exception(message, inner);
