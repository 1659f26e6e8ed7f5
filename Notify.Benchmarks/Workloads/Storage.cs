using Notify.Benchmarks.Processes;
using Npgsql;

namespace Notify.Benchmarks.Workloads;

/// <summary>Where a Notify server keeps its log during a workload.</summary>
internal sealed record Storage(PostgresInstance? Postgres, string? Database, string? SqliteFile) : IAsyncDisposable
{
    private static readonly TimeSpan CountingDelay = TimeSpan.FromSeconds(1.5);

    public Task<RunningServer> StartServerAsync(bool withProbe = false, RedisInstance? redis = null) =>
        RunningServer.StartNotifyAsync(Postgres?.ConnectionString(Database!), SqliteFile, withProbe, redis?.ConnectionString);

    public double CpuSeconds => Postgres is null ? 0 : CpuClock.OfFamily(Postgres.ProcessId);

    /// <summary>Transactions of the database so far, each one round trip of a node; Postgres counts them a second late.</summary>
    public async Task<double> TransactionsAsync()
    {
        await Task.Delay(CountingDelay);
        await using var connection = new NpgsqlConnection(Postgres!.ConnectionString("postgres") + ";Pooling=false");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand("SELECT xact_commit + xact_rollback FROM pg_stat_database WHERE datname = $1", connection);
        command.Parameters.Add(new NpgsqlParameter<string> { TypedValue = Database! });
        return (long)(await command.ExecuteScalarAsync())!;
    }

    public async ValueTask DisposeAsync()
    {
        if (Postgres is not null) await Postgres.DropDatabaseAsync(Database!);
    }
}
