using System.Globalization;

namespace Notify.Tests.Faults;

/// <summary>
/// Every fault with ten seeds and its full duration: <c>NOTIFY_FAULTS=long</c>, alone on its machine.
/// <c>NOTIFY_FAULTS_SEEDS=3</c> makes it shorter, <c>NOTIFY_FAULTS_ONLY=SIGTERM</c> takes the faults with that in their
/// names; <c>NOTIFY_FAULTS_SEED</c> says with which seed it begins.
/// </summary>
[Collection(nameof(FaultStages))]
public class LongFormTests(FaultStages stages)
{
    [Fact]
    public async Task Every_fault_with_ten_seeds()
    {
        Assert.SkipUnless(FaultForm.IsLong, "Only with NOTIFY_FAULTS=long; the other fault tests are the short form.");
        var seeds = Environment.GetEnvironmentVariable("NOTIFY_FAULTS_SEEDS") is { } count ? int.Parse(count, CultureInfo.InvariantCulture) : 10;
        var first = FaultCatalog.Seed();
        var only = Environment.GetEnvironmentVariable("NOTIFY_FAULTS_ONLY") ?? "";
        foreach (var fault in FaultCatalog.All.Where(fault => fault.Name.Contains(only, StringComparison.OrdinalIgnoreCase)))
        {
            if (stages.WhyNot(fault) is not null) continue;
            for (var seed = first; seed < first + seeds; seed++)
            {
                try
                {
                    await stages.RunAsync(fault, seed);
                }
                catch (Exception)
                {
                    // It is in the report; and on: one that cannot end hides nothing about the others.
                }
            }
        }

        Assert.True(stages.Failures.Count == 0, string.Join('\n', stages.Failures));
    }
}
