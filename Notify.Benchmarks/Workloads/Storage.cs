using Notify.Benchmarks.Processes;
using Npgsql;

namespace Notify.Benchmarks.Workloads;

/// <summary>Where a Notify server keeps its log during a workload.</summary>
internal sealed record Storage(PostgresInstance? Postgres, string? Database, string? SqliteFile) : IAsyncDisposable
{
    private static readonly TimeSpan CountingDelay = TimeSpan.FromSeconds(1.5);

    public Task<RunningServer> StartServerAsync(bool withProbe = false, RedisInstance? redis = null, bool withUsers = false, string? signingKey = null,
        string? folder = null) =>
        RunningServer.StartNotifyAsync(ConnectionString, SqliteFile, withProbe, redis?.ConnectionString, withUsers: withUsers, signingKey: signingKey,
            folder: folder);

    /// <summary>One where every user may be named: inboxes are of users.</summary>
    public Task<RunningServer> StartOpenServerAsync() => RunningServer.StartNotifyAsync(ConnectionString, SqliteFile, isOpen: true);

    public string? ConnectionString => Postgres?.ConnectionString(Database!);

    public double CpuSeconds => Postgres is null ? 0 : CpuClock.OfFamily(Postgres.ProcessId);

    /// <summary>The last version.</summary>
    public Task<long> HeadAsync() => NumberAsync(ConnectionString!, "SELECT max(last_version) FROM appends");

    /// <summary>What is stored of the load's first topics.</summary>
    public Task<long> CountAsync(int topics) => NumberAsync(
        ConnectionString!, "SELECT count(*) FROM notifications WHERE topic_id IN (SELECT id FROM topics WHERE name = ANY ($1))",
        new NpgsqlParameter<string[]> { TypedValue = [.. Enumerable.Range(0, topics).Select(Load.LoadTopics.Name)] });

    /// <summary>Transactions of the database so far, each one round trip of a node; Postgres counts them a second late.</summary>
    public async Task<long> TransactionsAsync()
    {
        await Task.Delay(CountingDelay);
        return await NumberAsync(
            Postgres!.ConnectionString("postgres"), "SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1",
            new NpgsqlParameter<string> { TypedValue = Database! });
    }

    /// <summary>One number of the database.</summary>
    public Task<long> NumberAsync(string sql) => NumberAsync(ConnectionString!, sql);

    private static async Task<long> NumberAsync(string connectionString, string sql, params NpgsqlParameter[] parameters)
    {
        await using var connection = new NpgsqlConnection(connectionString + ";Pooling=false;Command Timeout=120");
        await connection.OpenAsync();
#pragma warning disable CA2100 // the tool's own words
        await using var command = new NpgsqlCommand(sql, connection);
#pragma warning restore CA2100
        command.Parameters.AddRange(parameters);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (Postgres is not null) await Postgres.DropDatabaseAsync(Database!);
    }
}
