using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>Another log where the log was: whoever has a number of the old one must hear that it means nothing any more.</summary>
internal static class ReplacedLogFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("database restored from an older copy", ground => RestoreAsync(ground, 100), OwnStage: true) { ReplacesTheLog = true },
        new("database restored from a copy a moment older", ground => RestoreAsync(ground, 4), OwnStage: true) { ReplacesTheLog = true },
        new("standby promoted that had lost commits", LaggingStandbyAsync, OwnStage: true) { ReplacesTheLog = true },
        new("synchronous standby promoted", SynchronousStandbyAsync, OwnStage: true) { ReplacesTheLog = true },
    ];

    private static async Task RestoreAsync(Ground ground, int lost)
    {
        var before = ground.Now;
        var postgres = ground.Stage.Postgres;
        var copy = ground.Stage.Owned(await postgres.CopyAsync());
        await ground.AckedMoreAsync(lost);
        await postgres.StopAsync(immediate: true);
        ground.DestroyedSince(before);
        await copy.StartAsync();
        ground.Stage.SwitchTo(copy);
    }

    private static async Task LaggingStandbyAsync(Ground ground)
    {
        var postgres = ground.Stage.Postgres;
        var standby = ground.Stage.Owned(await postgres.StartStandbyAsync());
        var before = ground.Now;
        await standby.ExecuteAsync("postgres", "ALTER SYSTEM SET primary_conninfo = 'host=127.0.0.1 port=1'");
        await standby.ExecuteAsync("postgres", "SELECT pg_reload_conf()"); // it follows nobody from here on
        await ground.AckedMoreAsync(60);
        await postgres.StopAsync(immediate: true);
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

    private static async Task PromoteAsync(Ground ground, PostgresCluster standby)
    {
        Assert.True(await standby.ScalarAsync<bool>("postgres", "SELECT pg_promote()"));
        ground.Stage.SwitchTo(standby);
    }
}
