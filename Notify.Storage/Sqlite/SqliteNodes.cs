using Microsoft.Data.Sqlite;
using Notify.Storage.Log;
using Notify.Storage.Nodes;

namespace Notify.Storage.Sqlite;

/// <summary>The one running node on SQLite: the file belongs to one process, which clears what an earlier one left.</summary>
internal sealed class SqliteNodes(SqliteWriter writer, SqliteReaders readers, TimeProvider time) : INodes
{
    /// <summary>When the file is opened: the process that held it before is gone.</summary>
    public const string EndAll = "DELETE FROM nodes";

    private const string Opened = "SELECT opened FROM entry_gate";

    private const string Renew = """
        INSERT INTO nodes (id, version, host, started_at, connections, head, knows, lease_until) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
        ON CONFLICT (id) DO UPDATE SET connections = excluded.connections, head = excluded.head, lease_until = excluded.lease_until
        """;

    private const string EndExpired = "DELETE FROM nodes WHERE lease_until < ?1";

    private const string Open = """
        UPDATE entry_gate SET opened = min(?1, (SELECT min(knows) FROM nodes)) WHERE opened < min(?1, (SELECT min(knows) FROM nodes))
        """;

    private const string List = "SELECT id, version, connections, started_at, head FROM nodes WHERE lease_until >= ?1 ORDER BY started_at, id";

    private const string Seen = "UPDATE users SET last_seen_at = ?2 WHERE name = ?1 AND (last_seen_at IS NULL OR last_seen_at < ?3)";

    public Task<LeaseAnswer> RenewAsync(NodeState node, TimeSpan lease, CancellationToken cancellationToken) => TransactAsync(
        statements =>
        {
            var opened = ReadOpened(statements);
            if (opened <= node.Knows)
            {
                statements.Execute(
                    Renew, node.Id.ToByteArray(true), node.Version, node.Host, Now(-node.Age), node.Connections, node.Head, node.Knows, Now(lease));
            }
            else
            {
                statements.Execute("DELETE FROM nodes WHERE id = ?1", node.Id.ToByteArray(true));
            }

            statements.Execute(EndExpired, Now());
            return new LeaseAnswer(opened <= node.Knows, opened, [.. ReadNodes(statements).Select(other => other.Id)]);
        },
        cancellationToken);

    public Task EndAsync(Guid node, CancellationToken cancellationToken) =>
        TransactAsync(statements => statements.Execute("DELETE FROM nodes WHERE id = ?1", node.ToByteArray(true)), cancellationToken);

    public Task<short> OpenGateAsync(short kind, CancellationToken cancellationToken) => TransactAsync(
        statements =>
        {
            statements.Execute(Open, kind);
            return ReadOpened(statements);
        },
        cancellationToken);

    public Task<StorageStatistics> ReadStatisticsAsync(CancellationToken cancellationToken) => readers.ReadAsync(
        statements => new StorageStatistics(
            SqliteReader.ReadHead(statements), (long)statements.Scalar("SELECT count(*) FROM topics")!, (long)statements.Scalar("SELECT count(*) FROM users")!,
                ReadNodes(statements)),
        cancellationToken);

    public Task SeenAsync(IReadOnlyCollection<string> users, TimeSpan coarse, CancellationToken cancellationToken) => TransactAsync(
        statements => users.Sum(user => statements.Execute(Seen, user, Now(), Now(-coarse))), cancellationToken);

    public Task<DateTimeOffset?> LastSeenAsync(string user, CancellationToken cancellationToken) => readers.ReadAsync<DateTimeOffset?>(
        statements => statements.Scalar("SELECT last_seen_at FROM users WHERE name = ?1", user) is long at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
        cancellationToken);

    private List<NodeRecord> ReadNodes(SqliteStatements statements)
    {
        using var rows = statements.Query(List, Now());
        var nodes = new List<NodeRecord>();
        while (rows.Read())
            nodes.Add(new NodeRecord(new Guid(rows.GetFieldValue<byte[]>(0), true), rows.GetString(1), rows.GetInt32(2), rows.GetTime(3), rows.GetInt64(4)));
        return nodes;
    }

    private static short ReadOpened(SqliteStatements statements) => (short)(long)statements.Scalar(Opened)!;

    private long Now(TimeSpan plus = default) => (time.GetUtcNow() + plus).ToUnixTimeMilliseconds();

    private async Task<T> TransactAsync<T>(Func<SqliteStatements, T> work, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.TransactAsync(work, cancellationToken);
        }
        catch (SqliteException error)
        {
            throw SqliteErrors.Unavailable(error);
        }
    }
}
