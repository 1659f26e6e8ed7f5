using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P4: one client comes back and has missed a hundred thousand. From the answer to Resume to CaughtUp.</summary>
internal static class ReplayToOne
{
    private const string PerSecond = "notifications/s";

    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var missed = line.Number("missed", 100_000);
        var protocol = line.Text("protocol", "json");
        var only = line.Find("storage");
        line.RefuseUnknown();

        var report = new WorkloadReport("p4", $"replay of {missed} to one client");
        report.Notes.Add("Same process: the server that stored them (its ring may not hold all). Restarted: the first client after a restart; again: the " +
            "next one.");
        foreach (var kind in only is null ? (string[])["postgres", "sqlite"] : [only])
        {
            await using var storage = await laboratory.NewStorageAsync(kind);
            await using (var server = await storage.StartServerAsync())
            {
                await Filling.PublishAsync(server, missed, topics: 1);
                for (var run = 1; run <= laboratory.Runs + 1; run++)
                {
                    await laboratory.BeginAsync($"p4 run {run}: {kind}, same process");
                    await ReplayAsync(report, server, storage, run == 1 ? $"{kind}, same process, first" : $"{kind}, same process", protocol, missed);
                }

                await server.StopAsync();
            }

            for (var run = 1; run <= laboratory.Runs; run++)
            {
                await laboratory.BeginAsync($"p4 run {run}: {kind}, restarted");
                await using var server = await storage.StartServerAsync();
                await ReplayAsync(report, server, storage, $"{kind}, restarted", protocol, missed);
                await ReplayAsync(report, server, storage, $"{kind}, restarted, again", protocol, missed);
                await server.StopAsync();
            }
        }

        return report;
    }

    private static async Task ReplayAsync(WorkloadReport report, RunningServer server, Storage storage, string target, string protocol, int missed)
    {
        var (cpu, storageCpu) = (CpuClock.OfProcess(server.ProcessId), storage.CpuSeconds);
        await using var subscriber =
            await Subscribers.StartAsync(new SubscriberOptions { Peer = PeerKind.Notify, Port = server.Port, Since = 0, Protocol = protocol });
        var ready = subscriber.Ready;
        if (ready.Problems is not null || ready.Replayed != missed || ready.Missing + ready.Disordered > 0)
        {
            report.Invalid.Add($"{target}: {ready}");
            return;
        }

        report.Add(target,
            (PerSecond, missed / ready.ReplayMs * 1000),
            ("ms", ready.ReplayMs),
            ("server CPU s", CpuClock.OfProcess(server.ProcessId) - cpu),
            ("Postgres CPU s", storage.CpuSeconds - storageCpu));
    }
}
