using System.Text.Json;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Npgsql;
using NpgsqlTypes;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>Marks of inboxes within a batch of changes: what they ask about, and what they write.</summary>
internal static class PostgresInboxChanges
{
    private const string ReadWatermarks = """
        SELECT w.user_id, w.filter, w.steps FROM users AS u JOIN inbox_watermarks AS w ON w.user_id = u.id WHERE u.name = ANY ($1)
        """;

    private const string ReadMarks = """
        SELECT m.user_id, m.version, m.topic_id, m.mark_order, m.seen_at, m.read_at, m.archived_at, m.expires_at
        FROM unnest($1, $2) AS asked(name, version)
        JOIN users AS u ON u.name = asked.name
        JOIN inbox_marks AS m ON m.user_id = u.id AND m.version = asked.version
        """;

    private const string ReadExceptions = """
        SELECT u.id,
               coalesce((SELECT max(m.mark_order) FROM inbox_marks AS m
                         WHERE m.user_id = u.id AND m.version <= asked.up_to AND m.read_at IS NULL), 0),
               coalesce((SELECT max(m.mark_order) FROM inbox_marks AS m
                         WHERE asked.archived_up_to > 0 AND m.user_id = u.id AND m.version <= asked.archived_up_to AND m.archived_at IS NULL), 0)
        FROM unnest($1, $2, $3) AS asked(name, up_to, archived_up_to) JOIN users AS u ON u.name = asked.name
        """;

    private const string WriteMarks = """
        INSERT INTO inbox_marks (user_id, version, topic_id, mark_order, seen_at, read_at, archived_at, expires_at)
        SELECT * FROM unnest($1, $2, $3, $4, $5, $6, $7, $8)
        ON CONFLICT (user_id, version) DO UPDATE SET
            mark_order = excluded.mark_order, seen_at = excluded.seen_at, read_at = excluded.read_at, archived_at = excluded.archived_at
        """;

    private const string WriteWatermarks = """
        INSERT INTO inbox_watermarks (user_id, filter, steps, up_to) SELECT * FROM unnest($1, $2, $3, $4)
        ON CONFLICT (user_id, filter) DO UPDATE SET steps = excluded.steps, up_to = excluded.up_to
        """;

    public static void Ask(NpgsqlBatch batch, ChangeScope scope)
    {
        var users = scope.Marking.ToList();
        Add(batch, ReadWatermarks, Value(users.ConvertAll(user => user.Key).ToArray()));
        Add(batch, ReadMarks, Value(scope.Marked.ConvertAll(item => item.User).ToArray()), Value(scope.Marked.ConvertAll(item => item.Version).ToArray()));
        Add(
            batch, ReadExceptions, Value(users.ConvertAll(user => user.Key).ToArray()), Value(users.ConvertAll(user => user.Value.UpTo).ToArray()),
            Value(users.ConvertAll(user => user.Value.ArchivedUpTo).ToArray()));
    }

    public static async Task ReadAsync(NpgsqlDataReader reader, InboxMarksState state, Func<Action, Task> eachAsync)
    {
        await eachAsync(() => state.AddWatermark(reader.GetInt64(0), reader.GetString(1), Steps(reader.GetString(2))));
        await eachAsync(() => state.Marks[(reader.GetInt64(0), reader.GetInt64(1))] = ToMark(reader, 1));
        await eachAsync(() =>
        {
            state.LastUnread[reader.GetInt64(0)] = reader.GetInt64(1);
            state.LastNotArchived[reader.GetInt64(0)] = reader.GetInt64(2);
        });
    }

    public static void Write(NpgsqlBatch batch, DirectoryWrites writes)
    {
        var marks = writes.Marks.ToList();
        if (marks.Count > 0)
        {
            Add(
                batch, WriteMarks, Value(marks.ConvertAll(mark => mark.Key.User).ToArray()), Value(marks.ConvertAll(mark => mark.Key.Version).ToArray()),
                Value(marks.ConvertAll(mark => mark.Value.TopicId).ToArray()), Value(marks.ConvertAll(mark => mark.Value.Order).ToArray()),
                Times(marks.ConvertAll(mark => mark.Value.SeenAt)), Times(marks.ConvertAll(mark => mark.Value.ReadAt)),
                Times(marks.ConvertAll(mark => mark.Value.ArchivedAt)), Times(marks.ConvertAll(mark => mark.Value.ExpiresAt)));
        }

        var watermarks = writes.Watermarks.ToList();
        if (watermarks.Count > 0)
        {
            Add(
                batch, WriteWatermarks, Value(watermarks.ConvertAll(one => one.Key.User).ToArray()),
                    Value(watermarks.ConvertAll(one => one.Key.Filter).ToArray()),
                Value(watermarks.ConvertAll(one => JsonSerializer.Serialize(one.Value, DirectoryJson.Default.ListInboxStep)).ToArray()),
                Value(watermarks.ConvertAll(one => one.Value.Max(step => step.UpTo)).ToArray()));
        }

        foreach (var merge in writes.Merged)
        {
            Add(
                batch, Merge(merge.Condition), Value(merge.User), Value(merge.After), Value(merge.UpTo), Value((long)InboxMerge.Kept),
                Value((long)InboxMerge.AtOnce), Value(merge.Order));
        }
    }

    private static string Merge(string condition) => $"""
        DELETE FROM inbox_marks WHERE user_id = $1 AND version IN
            (SELECT version FROM inbox_marks
             WHERE user_id = $1 AND version > $2 AND version <= $3 AND mark_order < $6 AND {condition}
               AND version <= (SELECT version FROM inbox_marks WHERE user_id = $1 ORDER BY version DESC OFFSET $4 LIMIT 1)
             ORDER BY version LIMIT $5)
        """;

    public static List<InboxStep> Steps(string json) => JsonSerializer.Deserialize(json, DirectoryJson.Default.ListInboxStep)!;

    public static InboxMark ToMark(NpgsqlDataReader reader, int from) => new(
        reader.GetInt64(from), reader.GetInt64(from + 1), reader.GetInt64(from + 2), Time(reader, from + 3), Time(reader, from + 4), Time(reader, from + 5),
        Time(reader, from + 6));

    public static DateTimeOffset? Time(NpgsqlDataReader reader, int column) => reader.IsDBNull(column) ? null : reader.GetDateTime(column);

    private static NpgsqlParameter<DateTime?[]> Times(List<DateTimeOffset?> times) => new()
    {
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
        TypedValue = [.. times.Select(time => time?.UtcDateTime)],
    };

    private static void Add(NpgsqlBatch batch, string sql, params NpgsqlParameter[] parameters)
    {
        var command = new NpgsqlBatchCommand(sql);
        command.Parameters.AddRange(parameters);
        batch.BatchCommands.Add(command);
    }
}
