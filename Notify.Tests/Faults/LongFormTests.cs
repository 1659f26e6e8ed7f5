using System.Globalization;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>
/// Every fault with ten seeds and its full duration, and the report: <c>NOTIFY_FAULTS=long</c>, alone on its machine.
/// <c>NOTIFY_FAULTS_SEEDS=3</c> makes it shorter, <c>NOTIFY_FAULTS_ONLY=SIGTERM</c> takes the faults with that in their names; <c>NOTIFY_FAULTS_SEED</c> says with which seed it begins.
/// </summary>
[Collection(nameof(FaultTests))]
public class LongFormTests(SharedFaultStage shared, RedisFaultStage redis) : IClassFixture<RedisFaultStage>
{
    [Fact]
    public async Task Every_fault_with_ten_seeds()
    {
        Assert.SkipUnless(FaultForm.IsLong, "Only with NOTIFY_FAULTS=long; the other fault tests are the short form.");
        var seeds = Environment.GetEnvironmentVariable("NOTIFY_FAULTS_SEEDS") is { } count ? int.Parse(count, CultureInfo.InvariantCulture) : 10;
        var first = FaultCatalog.Seed();
        var report = new FaultReport();
        var only = Environment.GetEnvironmentVariable("NOTIFY_FAULTS_ONLY") ?? "";
        foreach (var fault in FaultCatalog.All.Where(fault => fault.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            if (fault.WhyNot?.Invoke() is { } whyNot)
            {
                report.Skipped(fault.Name, whyNot);
                continue;
            }

            for (var seed = first; seed < first + seeds; seed++)
            {
                try
                {
                    report.Add(await RunAsync(fault, seed));
                }
                catch (Exception error)
                {
                    report.Broken(fault.Name, seed, error); // and on: one that cannot end hides nothing about the others
                }

                await File.WriteAllTextAsync(Path.Combine(Repository.TestResults, "faults.md"), report.ToMarkdown());
            }
        }

        Assert.True(report.Failures.Count == 0, string.Join('\n', report.Failures));
    }

    private async Task<FaultRun> RunAsync(Fault fault, int seed)
    {
        if (fault.OwnStage)
        {
            await using var stage = await FaultStage.StartAsync(fault.Postgres?.Invoke());
            return await Scenario.RunAsync(stage, fault, seed, FaultForm.Bound);
        }

        var ground = fault.OnRedis ? redis : shared;
        var run = await Scenario.RunAsync(await ground.StageAsync(), fault, seed, FaultForm.Bound);
        ground.Ended(run);
        return run;
    }
}
