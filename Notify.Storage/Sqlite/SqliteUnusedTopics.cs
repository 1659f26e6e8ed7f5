namespace Notify.Storage.Sqlite;

/// <summary>
/// Removes the rows of topics of which nothing is left, or topics that are used once would be there for ever. Each topic is
/// looked at once an age: one that turns out to be in use is next looked at when that has aged too.
/// </summary>
internal sealed class SqliteUnusedTopics(SqliteWriter writer)
{
    private const int AStep = 500;

    private const string Look = """
        SELECT old.id, old.last_seq,
               max(coalesce((SELECT n.version FROM notifications AS n
                             WHERE n.topic_id = old.id AND n.version >= (SELECT oldest FROM log_head) ORDER BY n.version DESC LIMIT 1), 0),
                   coalesce((SELECT max(k.version) FROM inbox_kept AS k WHERE k.topic_id = old.id), 0))
        FROM
        """;

    private const string OfLog = $"""
        {Look} (SELECT id, last_seq FROM topics WHERE (name < '$' OR name >= '%') AND used < (SELECT oldest FROM log_head) ORDER BY used LIMIT ?1) AS old
        """;

    private const string OfInboxes = $"""
        {Look} (SELECT id, last_seq FROM topics
              WHERE (name >= '$' AND name < '%') AND used < (SELECT min(oldest, coalesce((SELECT min(version) FROM inbox_kept), oldest)) FROM log_head)
              ORDER BY used LIMIT ?1) AS old
        """;

    public async Task RemoveAsync(CancellationToken cancellationToken)
    {
        foreach (var which in (string[])[OfLog, OfInboxes])
        {
            while (await writer.TransactAsync(statements => Step(statements, which), cancellationToken))
            {
            }
        }
    }

    /// <summary>Whether there may be more.</summary>
    private static bool Step(SqliteStatements statements, string which)
    {
        var topics = new List<(long Id, long Sequence, long Version)>();
        using (var rows = statements.Query(which, AStep))
        {
            while (rows.Read()) topics.Add((rows.GetInt64(0), rows.GetInt64(1), rows.GetInt64(2)));
        }

        var floor = 0L;
        foreach (var (id, sequence, version) in topics)
        {
            if (version > 0) statements.Execute("UPDATE topics SET used = ?2 WHERE id = ?1", id, version);
            else
            {
                statements.Execute("DELETE FROM topics WHERE id = ?1", id);
                floor = Math.Max(floor, sequence);
            }
        }

        if (floor > 0) statements.Execute("UPDATE log_head SET topics_floor = max(topics_floor, ?1)", floor);
        return topics.Count == AStep;
    }
}
