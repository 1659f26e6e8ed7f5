using Notify.Tests.Faults.Traffic;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>What happens to nodes.</summary>
internal static class NodeFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("kill -9 of a node", KillAsync),
        new("kill -9 after commit and before ack", KillBeforeAckAsync),
        new("kill -9 during a replay", KillDuringReplayAsync),
        new("SIGTERM of a node", TerminateAsync),
        new("SIGSTOP of a node", StopAsync),
        new("rolling restart", RollAsync),
        new("clocks of nodes an hour ahead and behind", ClockAsync, WhyNot: Faketime.WhyNot),
    ];

    private static async Task KillAsync(Ground ground)
    {
        await ground.LastsAsync(ground.Random.NextDouble() / 2); // anywhere in the work of the nodes
        var node = ground.AnyNode;
        await node.Server.KillAsync();
        ground.Healed(); // the others are there
        await ground.AckedMoreAsync(50);
        await node.Server.RestartAsync();
    }

    // The node that is killed has committed what its publishers will never be answered.
    private static async Task KillBeforeAckAsync(Ground ground)
    {
        FaultNode? node = null;
        await PostgresFaults.WithCommitsHeldAsync(ground, async () =>
        {
            await Eventually.TrueAsync(async () => (node = await CommittingAsync(ground)) is not null, "a node is in its commit");
            await node!.Server.KillAsync();
        });
        ground.Healed();
        await ground.AckedMoreAsync(50);
        await node!.Server.RestartAsync();
    }

    // Appends commit one after the other, so it is one at a time: of a publish under a key, whose row nothing else writes.
    private static async Task<FaultNode?> CommittingAsync(Ground ground)
    {
        var names = await ground.Stage.Postgres.ScalarAsync<string[]>(ground.Stage.Database, """
            SELECT COALESCE(array_agg(application_name), '{}') FROM pg_stat_activity JOIN pg_locks USING (pid)
            WHERE wait_event = 'SyncRep' AND relation = 'idempotency'::regclass AND mode = 'RowExclusiveLock'
            """);
        return ground.Stage.Nodes.FirstOrDefault(node => names.Contains(node.Name));
    }

    // Half of the subscribers are away for a while and come back over slow lines; the node that serves one of them dies
    // when it has answered Resume and what was missed is still on its way.
    private static async Task KillDuringReplayAsync(Ground ground)
    {
        var away = ground.Crowd.Followers.OfType<RawFollower>().ToList();
        foreach (var follower in away) follower.GoAway();
        await ground.AckedMoreAsync(150);
        foreach (var node in ground.Stage.Nodes) node.Front.BytesPerSecond = 12_000;
        var before = away.ToDictionary(follower => follower, follower => (follower.Recorder.Resumed, follower.Recorder.CaughtUp));
        foreach (var follower in away) follower.ComeBack();
        RawFollower? replaying = null;
        await Eventually.TrueAsync(
            () => (replaying = away.Find(follower =>
                follower.Recorder.Resumed > before[follower].Resumed && follower.Recorder.CaughtUp == before[follower].CaughtUp)) is not null,
            "a subscriber is in its replay",
            TimeSpan.FromSeconds(90));
        var victim = ground.Stage.Nodes[replaying!.Node];
        await victim.Server.KillAsync();
        foreach (var node in ground.Stage.Nodes) node.Front.BytesPerSecond = 0;
        ground.Healed();
        await ground.AckedMoreAsync(50);
        await victim.Server.RestartAsync();
    }

    private static async Task TerminateAsync(Ground ground)
    {
        var node = ground.AnyNode;
        ground.Healed();
        await node.Server.TerminateAsync(TimeSpan.FromSeconds(30));
        Assert.Equal(0, node.Server.ExitCode);
        await node.Server.RestartAsync();
    }

    private static async Task StopAsync(Ground ground)
    {
        var node = ground.AnyNode;
        await node.Server.SignalAsync("STOP");
        await ground.LastsAsync(FaultForm.Seconds(2, 5));
        await node.Server.SignalAsync("CONT");
    }

    private static async Task RollAsync(Ground ground)
    {
        foreach (var node in ground.Stage.Nodes)
        {
            await node.Server.TerminateAsync();
            Assert.Equal(0, node.Server.ExitCode);
            await node.Server.RestartAsync();
        }
    }

    // Two hours between two of the nodes; the third and Postgres have the right time.
    private static async Task ClockAsync(Ground ground)
    {
        var (ahead, behind) = (ground.Stage.Nodes[0].Server, ground.Stage.Nodes[1].Server);
        foreach (var (name, value) in Faketime.Environment("+1h")) ahead.Environment[name] = value;
        foreach (var (name, value) in Faketime.Environment("-1h")) behind.Environment[name] = value;
        await Task.WhenAll(ahead.RestartAsync(), behind.RestartAsync());
        await ground.AckedMoreAsync(60);
        ahead.Environment.Clear();
        behind.Environment.Clear();
        await Task.WhenAll(ahead.RestartAsync(), behind.RestartAsync());
    }
}

/// <summary>libfaketime: another clock for one process alone.</summary>
internal static class Faketime
{
    private static readonly string? Library = Directory.Exists("/usr/lib")
        ? Directory.EnumerateDirectories("/usr/lib").Select(folder => Path.Combine(folder, "faketime", "libfaketimeMT.so.1")).FirstOrDefault(File.Exists)
        : null;

    public static string? WhyNot() => Library is null ? "libfaketime is not installed: apt-get install faketime" : null;

    /// <summary>Wall clock only: what measures spans is not touched, as when an administrator sets a clock.</summary>
    public static IEnumerable<(string Name, string Value)> Environment(string by) =>
        [("LD_PRELOAD", Library!), ("FAKETIME", by), ("FAKETIME_DONT_FAKE_MONOTONIC", "1"), ("FAKETIME_DONT_RESET", "1")];
}
