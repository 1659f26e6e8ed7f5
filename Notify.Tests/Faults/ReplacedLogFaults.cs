using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>Another log where the log was: clients with a number of the old one must be told that it means nothing any more.</summary>
internal static class ReplacedLogFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("database restored from an older copy", RestoreAsync, OwnStage: true) { ReplacesTheLog = true },
        new("standby promoted that had lost commits", LaggingStandbyAsync, OwnStage: true) { ReplacesTheLog = true },
        new("synchronous standby promoted", SynchronousStandbyAsync, OwnStage: true) { ReplacesTheLog = true },
    ];

    // Older than the nodes' last look at the head (1 s without hints): what a node never knew it cannot miss, so a copy
    // younger than that needs the command new-epoch.
    private static async Task RestoreAsync(Ground ground)
    {
        var before = ground.Now;
        var postgres = ground.Stage.Postgres;
        var copy = ground.Stage.Owned(await postgres.CopyAsync());
        await ground.AckedMoreAsync(20);
        await ground.LastsAsync(2);
        await StopAsync(ground, postgres);
        ground.DestroyedSince(before);
        await copy.StartAsync();
        ground.Stage.SwitchTo(copy);
    }

    private static async Task LaggingStandbyAsync(Ground ground)
    {
        var postgres = ground.Stage.Postgres;
        var standby = ground.Stage.Owned(await postgres.StartStandbyAsync());
        var before = ground.Now;

        // What was acknowledged until then is on the standby before it is cut off: it replicates asynchronously, and may be behind.
        var written = await postgres.ScalarAsync<string>("postgres", "SELECT pg_current_wal_lsn()::text");
        await Eventually.TrueAsync(
            async () => await standby.ScalarAsync<bool>("postgres", $"SELECT pg_last_wal_replay_lsn() >= '{written}'"),
            "the standby has what was acknowledged");
        await standby.ExecuteAsync("postgres", "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'");
        await standby.ExecuteAsync("postgres", "SELECT pg_reload_conf()"); // it follows nobody from here on
        await ground.AckedMoreAsync(60);
        await StopAsync(ground, postgres);
        ground.DestroyedSince(before);
        await PromoteAsync(ground, standby);
    }

    // Nothing is destroyed: what is acknowledged is on both.
    private static async Task SynchronousStandbyAsync(Ground ground)
    {
        var postgres = ground.Stage.Postgres;
        var standby = ground.Stage.Owned(await postgres.StartStandbyAsync());
        await postgres.ExecuteAsync("postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'");
        await postgres.ExecuteAsync("postgres", "SELECT pg_reload_conf()");
        await Eventually.TrueAsync(
            async () => await postgres.ScalarAsync<long>("postgres", "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'") == 1,
            "the standby is synchronous");
        await ground.AckedMoreAsync(60);
        await postgres.StopAsync(immediate: true);
        await PromoteAsync(ground, standby);
    }

    // While no database is there nothing is acknowledged: an answer that is written down now is of the old one, on its way
    // when that went. Without the pause it counted as given by the new one.
    private static async Task StopAsync(Ground ground, PostgresCluster postgres)
    {
        await postgres.StopAsync(immediate: true);
        await ground.LastsAsync(1);
    }

    private static async Task PromoteAsync(Ground ground, PostgresCluster standby)
    {
        Assert.True(await standby.ScalarAsync<bool>("postgres", "SELECT pg_promote()"));
        ground.Stage.SwitchTo(standby);
    }
}
