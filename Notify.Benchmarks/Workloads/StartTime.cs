using Notify.Benchmarks.Options;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>P7: from the start of the process to ready, on a database that is there.</summary>
internal static class StartTime
{
    public static async Task<WorkloadReport> RunAsync(Laboratory laboratory, Arguments line)
    {
        var rows = line.Number("rows", 200_000);
        var starts = line.Number("starts", 5);
        var only = line.Find("storage");
        line.RefuseUnknown();

        var report = new WorkloadReport("p7", $"start until ready, {rows} notifications stored, {starts} starts");
        foreach (var kind in only is null ? (string[])["postgres", "sqlite"] : [only])
        {
            await using var storage = await laboratory.NewStorageAsync(kind);
            await using (var server = await storage.StartServerAsync())
            {
                report.Add($"{kind}, empty (makes its schema)", ("ready ms", server.Started.TotalMilliseconds));
                await Filling.PublishAsync(server, rows, topics: 100);
                await server.StopAsync();
            }

            for (var i = 0; i < starts; i++)
            {
                await laboratory.BeginAsync($"p7 start {i + 1}: {kind}");
                await using var server = await storage.StartServerAsync();
                report.Add(kind, ("ready ms", server.Started.TotalMilliseconds));
                await server.StopAsync();
            }
        }

        return report;
    }
}
