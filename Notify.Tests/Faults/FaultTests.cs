namespace Notify.Tests.Faults;

/// <summary>Each fault once, with a seed that a failure names; <c>NOTIFY_FAULTS_SEED</c> repeats one.</summary>
[Collection(nameof(FaultStages))]
public class FaultTests(FaultStages stages)
{
    public static TheoryData<string> WithPostgresAlone => Names(fault => fault is { OwnStage: false, OnRedis: false });

    public static TheoryData<string> WithRedis => Names(fault => fault.OnRedis);

    public static TheoryData<string> OnItsOwn => Names(fault => fault.OwnStage);

    [Theory]
    [MemberData(nameof(WithPostgresAlone))]
    public Task Nothing_is_lost_repeated_reordered_or_invented_by(string fault) => RunAsync(fault);

    [Theory]
    [MemberData(nameof(WithRedis))]
    public Task Nothing_is_lost_repeated_reordered_or_invented_on_Redis_by(string fault) => RunAsync(fault);

    [Theory]
    [MemberData(nameof(OnItsOwn))]
    public Task Nothing_is_lost_in_silence_by(string fault) => RunAsync(fault);

    private async Task RunAsync(string name)
    {
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs each fault with ten seeds.");
        var fault = FaultCatalog.Named(name);
        if (stages.WhyNot(fault) is { } whyNot) Assert.Skip(whyNot);
        var run = await stages.RunAsync(fault, FaultCatalog.Seed());
        Assert.True(run.Result.Findings.Count == 0, run.ToString());
    }

    private static TheoryData<string> Names(Func<Fault, bool> those) => [.. FaultCatalog.All.Where(those).Select(fault => fault.Name)];
}
