using Notify.Benchmarks.Options;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P1 and P1': one topic, a thousand subscribers, 64 or 8 publishers.</summary>
internal static class OneTopicFanOut
{
    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line, string name, int publishers)
    {
        var plan = new FanOutPlan(line.Number("subscribers", 1000), 1, line.Number("publishers", publishers), line.Number("seconds", 5),
            line.Number("warmup", 6))
        {
            Turns = line.Number("turns", 0),
        };
        var protocol = line.Text("protocol", "json");
        var storage = line.Text("storage", "postgres");
        var only = line.Find("only");
        var versions = line.Find("versions");
        line.RefuseUnknown();

        var notify = Target.Notify(protocol, storage);
        var stock = Target.Stock(protocol);
        Target[] targets = [.. notify.WithVersions(versions), stock, Target.Raw(), Target.Raw(queued: true)];
        var report = new WorkloadReport(name, $"fan-out, {plan.Subscribers} subscribers of 1 topic, {plan.Publishers} publishers");
        report.Ratio(notify.Name, stock.Name, FanOut.PerCoreSecond);
        report.Ratio(notify.Name, Target.Raw().Name, FanOut.PerCoreSecond);
        report.Ratio(notify.Name, Target.Raw(queued: true).Name, FanOut.PerCoreSecond);
        await FanOut.RunAsync(laboratory, report, plan, Only.Of(targets, only));
        return report;
    }
}
