using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P4': all clients reconnect at once, each some way behind.</summary>
internal static class Herd
{
    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var clients = line.Number("subscribers", 10_000);
        var behind = line.Number("behind", 100);
        var protocol = line.Text("protocol", "json");
        line.RefuseUnknown();

        var report = new WorkloadReport("p4-herd", $"{clients} clients back at once, each {behind} behind");
        for (var run = 1; run <= laboratory.Runs; run++)
        {
            await laboratory.BeginAsync($"p4-herd run {run}");
            await using var storage = await laboratory.NewStorageAsync("postgres");
            await using var server = await storage.StartServerAsync();
            const int Stored = 10_000;
            await Filling.PublishAsync(server, Stored, topics: 1);
            var (cpu, queries) = (CpuClock.OfProcess(server.ProcessId), await storage.TransactionsAsync());
            await using var subscribers = await Subscribers.StartAsync(new SubscriberOptions
            {
                Peer = PeerKind.Notify,
                Port = server.Port,
                Connections = clients,
                Since = Stored - behind,
                Protocol = protocol,
                Window = clients,
            });
            var ready = subscribers.Ready;
            if (ready.Problems is not null || ready.Replayed != (long)clients * behind || ready.Missing + ready.Disordered > 0)
            {
                report.Invalid.Add(ready.ToString());
                continue;
            }

            report.Add("Notify postgres",
                ("all caught up s", ready.ConnectMs / 1000),
                ("server CPU s", CpuClock.OfProcess(server.ProcessId) - cpu),
                ("transactions", await storage.TransactionsAsync() - queries));
        }

        report.Notes.Add("Transactions: commits of the database as Postgres counts them (it does so a second late), the tail's polling included.");
        return report;
    }
}
