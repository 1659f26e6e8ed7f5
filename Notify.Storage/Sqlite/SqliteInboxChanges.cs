using System.Text.Json;
using Microsoft.Data.Sqlite;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;

namespace Notify.Storage.Sqlite;

/// <summary>Marks of inboxes within a batch of changes: what they ask about, and what they write.</summary>
internal static class SqliteInboxChanges
{
    public const string ReadWatermarks = "SELECT filter, steps FROM inbox_watermarks WHERE user_id = ?1";

    private const string ReadMark = """
        SELECT version, topic_id, mark_order, seen_at, read_at, archived_at, expires_at FROM inbox_marks WHERE user_id = ?1 AND version = ?2
        """;

    private const string LastUnread = "SELECT coalesce(max(mark_order), 0) FROM inbox_marks WHERE user_id = ?1 AND version <= ?2 AND read_at IS NULL";

    private const string LastNotArchived = "SELECT coalesce(max(mark_order), 0) FROM inbox_marks WHERE user_id = ?1 AND version <= ?2 AND archived_at IS NULL";

    private const string WriteMark = """
        INSERT INTO inbox_marks (user_id, version, topic_id, mark_order, seen_at, read_at, archived_at, expires_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (user_id, version) DO UPDATE SET
            mark_order = excluded.mark_order, seen_at = excluded.seen_at, read_at = excluded.read_at, archived_at = excluded.archived_at
        """;

    private const string WriteWatermark = """
        INSERT INTO inbox_watermarks (user_id, filter, steps, up_to) VALUES (?1, ?2, ?3, ?4)
        ON CONFLICT (user_id, filter) DO UPDATE SET steps = excluded.steps, up_to = excluded.up_to
        """;

    public static void Read(SqliteStatements statements, ChangeScope scope, DirectoryState state)
    {
        foreach (var (name, (upTo, archivedUpTo)) in scope.Marking)
        {
            if (!state.Users.TryGetValue(name, out var user)) continue;
            using (var rows = statements.Query(ReadWatermarks, user))
            {
                while (rows.Read()) state.Inbox.AddWatermark(user, rows.GetString(0), Steps(rows.GetString(1)));
            }

            state.Inbox.LastUnread[user] = (long)statements.Scalar(LastUnread, user, upTo)!;
            if (archivedUpTo > 0) state.Inbox.LastNotArchived[user] = (long)statements.Scalar(LastNotArchived, user, archivedUpTo)!;
        }

        foreach (var (name, version) in scope.Marked)
        {
            if (!state.Users.TryGetValue(name, out var user)) continue;
            using var rows = statements.Query(ReadMark, user, version);
            if (rows.Read()) state.Inbox.Marks[(user, version)] = ToMark(rows);
        }
    }

    public static void Write(SqliteStatements statements, DirectoryWrites writes)
    {
        foreach (var ((user, version), mark) in writes.Marks)
        {
            statements.Execute(
                WriteMark, user, version, mark.TopicId, mark.Order, Milliseconds(mark.SeenAt), Milliseconds(mark.ReadAt), Milliseconds(mark.ArchivedAt),
                Milliseconds(mark.ExpiresAt));
        }

        foreach (var ((user, filter), steps) in writes.Watermarks)
            statements.Execute(WriteWatermark, user, filter, JsonSerializer.Serialize(steps, DirectoryJson.Default.ListInboxStep),
                steps.Max(step => step.UpTo));
        foreach (var merge in writes.Merged)
            statements.Execute(Merge(merge.Condition), merge.User, merge.After, merge.UpTo, InboxMerge.Kept, InboxMerge.AtOnce, merge.Order);
    }

    private static string Merge(string condition) => $"""
        DELETE FROM inbox_marks WHERE user_id = ?1 AND version IN
            (SELECT version FROM inbox_marks
             WHERE user_id = ?1 AND version > ?2 AND version <= ?3 AND mark_order < ?6 AND {condition}
               AND version <= (SELECT version FROM inbox_marks WHERE user_id = ?1 ORDER BY version DESC LIMIT 1 OFFSET ?4)
             ORDER BY version LIMIT ?5)
        """;

    public static List<InboxStep> Steps(string json) => JsonSerializer.Deserialize(json, DirectoryJson.Default.ListInboxStep)!;

    public static InboxMark ToMark(SqliteDataReader rows) => new(
        rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2), Time(rows, 3), Time(rows, 4), Time(rows, 5), Time(rows, 6));

    public static DateTimeOffset? Time(SqliteDataReader rows, int column) => rows.IsDBNull(column) ? null : rows.GetTime(column);

    private static long? Milliseconds(DateTimeOffset? time) => time?.ToUnixTimeMilliseconds();
}
