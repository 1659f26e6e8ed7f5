namespace Notify.Tests.Faults;

/// <summary>The faults that leave another database behind, each on a stage of its own, beside the others.</summary>
public class FaultOnItsOwnTests
{
    public static TheoryData<string> Alone => [.. FaultCatalog.All.Where(fault => fault.OwnStage).Select(fault => fault.Name)];

    [Theory]
    [MemberData(nameof(Alone))]
    public async Task Nothing_is_lost_in_silence_by(string fault)
    {
        FaultForm.SkipUnlessAsked();
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs each fault with ten seeds.");
        var chosen = FaultCatalog.Named(fault);
        if (chosen.WhyNot?.Invoke() is { } whyNot) Assert.Skip(whyNot);
        await using var stage = await FaultStage.StartAsync(chosen.Postgres?.Invoke());
        var run = await Scenario.RunAsync(stage, chosen, FaultCatalog.Seed(), FaultForm.Bound);
        TestContext.Current.TestOutputHelper?.WriteLine(run.ToString());
        Assert.True(run.Result.Findings.Count == 0, run.ToString());
    }
}
