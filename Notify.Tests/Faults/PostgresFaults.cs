using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Faults;

/// <summary>What happens to Postgres.</summary>
internal static class PostgresFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("Postgres immediate restart", ground => ground.Stage.Postgres.RestartAsync(immediate: true)),
        new("SIGSTOP of Postgres", StopAsync),
        new("backends killed at random", KillBackendsAsync),
        new("backends killed during COMMIT", KillInCommitAsync),
        new("table lock", LockAsync),
        new("Postgres disk full", FillDiskAsync, OwnStage: true, WhyNot: SmallDisk.WhyNot)
        {
            Postgres = () => new PostgresCluster { Settings = ["max_wal_size=32MB", "min_wal_size=32MB"], DiskMegabytes = 160 },
        },
    ];

    private static async Task StopAsync(Ground ground)
    {
        var postgres = ground.Stage.Postgres;
        await postgres.SignalAsync("STOP");
        try
        {
            await ground.LastsAsync(FaultForm.Seconds(2, 5));
        }
        finally
        {
            await postgres.SignalAsync("CONT");
        }
    }

    // At random moments of a node's appends and reads.
    private static async Task KillBackendsAsync(Ground ground)
    {
        for (var i = 0; i < FaultForm.Seconds(12, 40); i++)
        {
            await ground.LastsAsync(ground.Random.NextDouble() * 0.1);
            await ground.Stage.Postgres.ExecuteAsync(
                ground.Stage.Database,
                """
                SELECT pg_terminate_backend(pid) FROM pg_stat_activity
                WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'active'
                """);
        }
    }

    // What is cut off in its commit has committed, and no node can know it.
    private static async Task KillInCommitAsync(Ground ground)
    {
        var postgres = ground.Stage.Postgres;
        for (var i = 0; i < FaultForm.Seconds(4, 12); i++)
        {
            await WithCommitsHeldAsync(ground, () => Eventually.TrueAsync(
                async () => await postgres.ScalarAsync<long>("postgres",
                    "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event = 'SyncRep'") > 0,
                "a backend is in its commit"));
            await ground.AckedMoreAsync(30);
        }
    }

    /// <summary>Meanwhile commit records are written, and backends wait for a standby that is not there before they say so.</summary>
    internal static async Task WithCommitsHeldAsync(Ground ground, Func<Task> meanwhile)
    {
        await ConfigureAsync("ALTER SYSTEM SET synchronous_standby_names = 'nobody'");
        try
        {
            await meanwhile();
        }
        finally
        {
            await ConfigureAsync("ALTER SYSTEM RESET synchronous_standby_names");
        }

        async Task ConfigureAsync(string sql)
        {
            await ground.Stage.Postgres.ExecuteAsync("postgres", sql);
            await ground.Stage.Postgres.ExecuteAsync("postgres", "SELECT pg_reload_conf()");
        }
    }

    // Depending on what needs space first, appends fail one by one or Postgres gives up as a whole; then somebody makes
    // room and, if need be, starts it again.
    private static async Task FillDiskAsync(Ground ground)
    {
        var disk = ground.Stage.Postgres.Disk!;
        await disk.FillAsync();
        await ground.LastsAsync(FaultForm.Seconds(3, 8));
        disk.MakeRoom();
        await ground.Stage.Postgres.StartAsync();
    }

    private static async Task LockAsync(Ground ground)
    {
        await using var connection = await ground.Stage.Postgres.ConnectAsync(ground.Stage.Database);
        foreach (var table in new[] { "log_head", "notifications" })
        {
            await using var transaction = await connection.BeginTransactionAsync();
            await using var command = new NpgsqlCommand($"LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE", connection, transaction);
            await command.ExecuteNonQueryAsync();
            await ground.LastsAsync(FaultForm.Seconds(1, 5));
            await transaction.RollbackAsync();
        }
    }
}
