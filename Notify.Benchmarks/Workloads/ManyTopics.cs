using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P1b: a thousand topics with one subscriber each; single POSTs, the batch call, the hub's Publish.</summary>
internal static class ManyTopics
{
    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var topics = line.Number("topics", 1000);
        var plan = new FanOutPlan(topics, topics, line.Number("publishers", 64), line.Number("seconds", 5), line.Number("warmup", 6))
        {
            Turns = line.Number("turns", 0),
        };
        var protocol = line.Text("protocol", "json");
        var storage = line.Text("storage", "postgres");
        var batch = line.Number("batch", 100);
        var only = line.Find("only");
        var versions = line.Find("versions");
        line.RefuseUnknown();

        var notify = Target.Notify(protocol, storage);
        var post = notify with { Name = $"{notify.Name}, POST" };
        var batched = notify with { Name = $"{notify.Name}, batch of {batch}", By = PublishBy.Batch, Batch = batch, Publishers = 8 };
        var hub = notify with { Name = $"{notify.Name}, hub", By = PublishBy.Hub };
        var stock = Target.Stock(protocol);
        var raw = Target.Raw();
        var report = new WorkloadReport("p1b", $"{topics} topics with 1 subscriber each, {plan.Publishers} publishers: publish + deliver");
        Target[] all = [.. ((Target[])[post, batched, hub]).SelectMany(ours => ours.WithVersions(versions))];
        foreach (var ours in all)
        {
            report.Ratio(ours.Name, raw.Name, FanOut.PerCoreSecond);
            report.Ratio(ours.Name, stock.Name, FanOut.PerCoreSecond);
        }

        report.Notes.Add($"The batch call: {batched.Publishers} publishers of {batch} notifications each.");
        await FanOut.RunAsync(laboratory, report, plan, Only.Of([.. all, stock, raw], only));
        return report;
    }
}
