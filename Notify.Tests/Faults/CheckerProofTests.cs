using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults;

/// <summary>The checker on a real run: green as it was, red with the smallest damage to any one subscriber's journal.</summary>
[Collection(nameof(FaultStages))]
public class CheckerProofTests(FaultStages stages)
{
    private const int Seeds = 20;

    [Fact]
    public async Task Each_kind_of_damage_to_a_real_run_turns_it_red()
    {
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs the faults only.");
        var quiet = new Fault("no fault", ground => ground.AckedMoreAsync(50));
        var run = await stages.RunAsync(quiet, FaultCatalog.Seed());
        Assert.True(run.Result.Findings.Count == 0, run.ToString());

        foreach (var (name, damage, expected) in JournalDamage.All)
        {
            for (var seed = run.Seed; seed < run.Seed + Seeds; seed++)
            {
                var damaged = Checker.Check(damage(run.History, seed));
                Assert.True(damaged.Findings.Any(finding => finding.Verdict == expected),
                    $"{name}, seed {seed}: no {expected}\n{string.Join('\n', damaged.Findings)}");
            }
        }
    }
}
