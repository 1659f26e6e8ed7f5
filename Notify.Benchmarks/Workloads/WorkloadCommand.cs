using System.Runtime.InteropServices;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;
using Notify.Benchmarks.Workloads.Growth;
using Notify.Benchmarks.Workloads.People;

namespace Notify.Benchmarks.Workloads;

/// <summary>One workload, or all: runs it, prints the table, writes the JSON.</summary>
internal static class WorkloadCommand
{
    private static readonly (string Name, string What, Func<Laboratory, Arguments, Task<WorkloadReport>> Run)[] Workloads =
    [
        ("p1", "fan-out, 1,000 subscribers, 64 publishers", (laboratory, line) => OneTopicFanOut.RunAsync(laboratory, line, "p1", 64)),
        ("p1-8", "the same with 8 publishers", (laboratory, line) => OneTopicFanOut.RunAsync(laboratory, line, "p1-8", 8)),
        ("p1b", "1,000 topics with one subscriber each", ManyTopics.RunAsync),
        ("p1b-credential", "p1b's POSTs with a token or an API key, and without: CPU of each", CredentialCost.RunAsync),
        ("p2", "acknowledged durable publishes, beside pgbench", DurablePublish.RunAsync),
        ("p3", "publish to receive under a light load", LightLoad.RunAsync),
        ("latency", "publish to receive from a tenth of what a server takes to more than it takes", LatencyUnderLoad.RunAsync),
        ("p4", "replay of 100,000 to one client", ReplayToOne.RunAsync),
        ("p4-herd", "10,000 clients back at once", Herd.RunAsync),
        ("p5", "memory of 10,000 idle connections", IdleMemory.RunAsync),
        ("p6", "growth: a small installation and a large one", SmallAndLarge.RunAsync),
        ("p7", "start until ready", StartTime.RunAsync),
        ("first-seconds", "what a node publishes in its first seconds, of its steady rate", FirstSeconds.RunAsync),
        ("p8", "one stalled client among 1,000", StalledClient.RunAsync),
        ("p9", "two nodes: publish on one, receive on the other", TwoNodes.RunAsync),
        ("inbox", "inboxes: summary, page, and how soon connections are told", Inboxes.RunAsync),
        ("presence", "10,000 connections move from a node that stops to another: what watchers are told", MovedConnections.RunAsync),
        ("growth-subscribers", "1 to 10,000 subscribers of a topic", OfSubscribers.RunAsync),
        ("growth-topics", "1 to 100,000 topics", OfTopics.RunAsync),
        ("growth-filters", "1 to 100,000 filters that do not match", OfFilters.RunAsync),
        ("growth-log", "100,000 to 10,000,000 notifications stored", OfLog.RunAsync),
        ("growth-connections", "100 to 20,000 connections", OfConnections.RunAsync),
        ("people", "members, their return, groups by rule, and many of everything; --scale 0.01 is small", PeopleWorkload.RunAsync),
        ("cluster", "one node and four: publishing, and what they ask of Postgres", FourNodes.RunAsync),
    ];

    private static volatile bool _isEnding;

    public static async Task<int> RunAsync(Arguments line)
    {
        var chosen =
            Workloads.Where(w =>
            line.Command == "all" || w.Name == line.Command || (line.Command == "growth" && w.Name.StartsWith("growth-", StringComparison.Ordinal))).ToArray();
        if (chosen.Length == 0)
        {
            Help();
            return line.Command == "help" ? 0 : 2;
        }

        // Ctrl+C and kill: nothing that was started stays.
        using var interrupted = PosixSignalRegistration.Create(PosixSignal.SIGINT, End);
        using var terminated = PosixSignalRegistration.Create(PosixSignal.SIGTERM, End);

        var json = line.Find("json");
        Cores.AreShared = line.Flag("shared-cores");
        if (line.Find("server") is { } published) RunningServer.Folder = Path.GetFullPath(published);
        var reports = new List<WorkloadReport>();
        var machine = await Machine.LookAsync();
        Console.WriteLine(machine);
        try
        {
            await using var laboratory = new Laboratory(line.Number("runs", 3), TimeSpan.FromSeconds(line.Number("patience", 20)), Console.Error);
            foreach (var (_, _, run) in chosen)
            {
                var report = await run(laboratory, line);
                reports.Add(report);
                TablePrinter.Print(report, Console.Out);
            }
        }
        catch (Exception) when (_isEnding)
        {
            await Task.Delay(Timeout.Infinite); // what was started has been killed under the workload; the signal ends the tool
        }

        if (json is not null) await JsonReport.WriteAsync(json, machine, reports);
        return reports.Exists(r => r.Invalid.Count > 0) ? 1 : 0;
    }

    private static void End(PosixSignalContext signal)
    {
        signal.Cancel = true;
        _isEnding = true;
        ChildProcess.KillAll();
        TemporaryFolder.DeleteAll();
        Environment.Exit(130);
    }

    private static void Help()
    {
        Console.WriteLine("dotnet run -c Release --project Notify.Benchmarks -- <workload> [--runs 3] [--seconds 5] [--protocol json|messagepack] [--json " +
            "out.json] …");
        foreach (var (name, what, _) in Workloads) Console.WriteLine($"  {name,-18} {what}");
        Console.WriteLine("  growth             all of the growth-…; --charts docs/charts draws them");
        Console.WriteLine("  all                all of them, with their defaults");
        Console.WriteLine("  micro              BenchmarkDotNet for the inner loops; takes its options (--filter '*')");
    }
}
