namespace Notify.Tests.Faults;

/// <summary>Each fault of Redis once, on a stage whose nodes have one between them.</summary>
public class RedisFaultTests(RedisFaultStage shared) : IClassFixture<RedisFaultStage>
{
    public static TheoryData<string> OnRedis => [.. FaultCatalog.All.Where(fault => fault.OnRedis).Select(fault => fault.Name)];

    [Theory]
    [MemberData(nameof(OnRedis))]
    public async Task Nothing_is_lost_repeated_reordered_or_invented_by(string fault)
    {
        FaultForm.SkipUnlessAsked();
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs each fault with ten seeds.");
        var run = await Scenario.RunAsync(await shared.StageAsync(), FaultCatalog.Named(fault), FaultCatalog.Seed(), FaultForm.Bound);
        TestContext.Current.TestOutputHelper?.WriteLine(run.ToString());
        shared.Ended(run);
        Assert.True(run.Result.Findings.Count == 0, run.ToString());
    }
}

/// <summary>As <see cref="SharedFaultStage"/>, with a Redis.</summary>
public sealed class RedisFaultStage : SharedFaultStage
{
    private protected override bool WithRedis => true;
}
