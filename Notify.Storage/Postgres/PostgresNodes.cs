using Notify.Storage.Log;
using Notify.Storage.Nodes;
using Npgsql;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>The running nodes on Postgres.</summary>
internal sealed class PostgresNodes(NpgsqlDataSource people) : INodes
{
    // A command of its own, before what depends on it: a snapshot that is older than the lock would miss the other's row.
    private const string HoldGate = "SELECT opened FROM entry_gate FOR SHARE";

    private const string TakeGate = "SELECT opened FROM entry_gate FOR UPDATE";

    private const string Renew = """
        INSERT INTO nodes (id, version, host, started_at, connections, head, knows, lease_until)
        SELECT $1, $2, $3, clock_timestamp() - $4, $5, $6, $7, clock_timestamp() + $8 FROM entry_gate WHERE opened <= $7
        ON CONFLICT (id) DO UPDATE SET connections = excluded.connections, head = excluded.head, lease_until = excluded.lease_until
        """;

    private const string EndRefused = "DELETE FROM nodes WHERE id = $1 AND knows < (SELECT opened FROM entry_gate)";

    // Nodes that come back at the same moment hold their own rows and would wait for each other's.
    private const string EndExpired = """
        DELETE FROM nodes WHERE id IN (SELECT id FROM nodes WHERE lease_until < clock_timestamp() FOR UPDATE SKIP LOCKED)
        """;

    private const string Living = "SELECT id FROM nodes WHERE lease_until >= clock_timestamp()";

    private const string Open = """
        UPDATE entry_gate SET opened = known.kind
        FROM (SELECT least($1, min(knows)) AS kind FROM nodes HAVING count(*) > 0) AS known WHERE opened < known.kind
        """;

    private const string Opened = "SELECT opened FROM entry_gate";

    private const string Counts = """
        SELECT log_head.epoch, coalesce((SELECT last_version FROM appends ORDER BY last_version DESC LIMIT 1), 0), log_head.oldest,
               (SELECT count(*) FROM topics), (SELECT count(*) FROM users)
        FROM log_head
        """;

    private const string List = "SELECT id, version, connections, started_at, head FROM nodes WHERE lease_until >= clock_timestamp() ORDER BY started_at, id";

    // In one order, so that nodes that store the same users do not wait for each other in a circle.
    private const string Seen = """
        UPDATE users SET last_seen_at = clock_timestamp() WHERE id IN
            (SELECT id FROM users WHERE name = ANY ($1) AND (last_seen_at IS NULL OR last_seen_at < clock_timestamp() - $2) ORDER BY id FOR UPDATE)
        """;

    private const string LastSeen = "SELECT last_seen_at FROM users WHERE name = $1";

    public Task<LeaseAnswer> RenewAsync(NodeState node, TimeSpan lease, CancellationToken cancellationToken) => PostgresErrors.TranslateOutages(async () =>
    {
        await using var batch = people.CreateBatch();
        batch.BatchCommands.Add(new(HoldGate));
        batch.BatchCommands.Add(new(Renew)
        {
            Parameters =
            {
                Value(node.Id), Value(node.Version), Value(node.Host), Value(node.Age), Value(node.Connections), Value(node.Head), Value(node.Knows),
                    Value(lease),
            },
        });
        batch.BatchCommands.Add(new(EndRefused) { Parameters = { Value(node.Id) } });
        batch.BatchCommands.Add(new(EndExpired));
        batch.BatchCommands.Add(new(Living));
        await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
        await rows.ReadAsync(cancellationToken);
        var opened = rows.GetInt16(0);
        await rows.NextResultAsync(cancellationToken);
        var living = new List<Guid>();
        while (await rows.ReadAsync(cancellationToken)) living.Add(rows.GetGuid(0));
        return new LeaseAnswer(opened <= node.Knows, opened, living);
    });

    public Task EndAsync(Guid node, CancellationToken cancellationToken) => ExecuteAsync("DELETE FROM nodes WHERE id = $1", cancellationToken, Value(node));

    public Task<short> OpenGateAsync(short kind, CancellationToken cancellationToken) => PostgresErrors.TranslateOutages(async () =>
    {
        await using var batch = people.CreateBatch();
        batch.BatchCommands.Add(new(TakeGate));
        batch.BatchCommands.Add(new(Open) { Parameters = { Value(kind) } });
        batch.BatchCommands.Add(new(Opened));
        await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
        await rows.NextResultAsync(cancellationToken);
        await rows.ReadAsync(cancellationToken);
        return rows.GetInt16(0);
    });

    public Task<StorageStatistics> ReadStatisticsAsync(CancellationToken cancellationToken) => PostgresErrors.ReadAsync(async () =>
    {
        await using var batch = people.CreateBatch();
        batch.BatchCommands.Add(new(Counts));
        batch.BatchCommands.Add(new(List));
        await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
        await rows.ReadAsync(cancellationToken);
        var (head, topics, users) = (new LogHead(rows.GetGuid(0), rows.GetInt64(1), rows.GetInt64(2)), rows.GetInt64(3), rows.GetInt64(4));
        await rows.NextResultAsync(cancellationToken);
        var nodes = new List<NodeRecord>();
        while (await rows.ReadAsync(cancellationToken))
            nodes.Add(new NodeRecord(rows.GetGuid(0), rows.GetString(1), rows.GetInt32(2), rows.GetDateTime(3), rows.GetInt64(4)));
        return new StorageStatistics(head, topics, users, nodes);
    });

    public Task SeenAsync(IReadOnlyCollection<string> users, TimeSpan coarse, CancellationToken cancellationToken) =>
        ExecuteAsync(Seen, cancellationToken, Value(users.ToArray()), Value(coarse));

    public Task<DateTimeOffset?> LastSeenAsync(string user, CancellationToken cancellationToken) => PostgresErrors.ReadAsync<DateTimeOffset?>(async () =>
    {
        await using var command = people.CreateCommand(LastSeen);
        command.Parameters.Add(Value(user));
        return await command.ExecuteScalarAsync(cancellationToken) is DateTime at ? at : null;
    });

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        PostgresErrors.TranslateOutages(async () =>
    {
        await using var command = people.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    });
}
