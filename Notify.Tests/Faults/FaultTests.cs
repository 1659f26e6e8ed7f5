namespace Notify.Tests.Faults;

/// <summary>Each fault once, with a seed that a failure names; <c>NOTIFY_FAULTS_SEED</c> repeats one.</summary>
[Collection(nameof(FaultTests))]
public class FaultTests(SharedFaultStage shared)
{
    public static TheoryData<string> Shared => [.. FaultCatalog.All.Where(fault => fault is { OwnStage: false, OnRedis: false }).Select(fault => fault.Name)];

    [Theory]
    [MemberData(nameof(Shared))]
    public async Task Nothing_is_lost_repeated_reordered_or_invented_by(string fault)
    {
        FaultForm.SkipUnlessAsked();
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs each fault with ten seeds.");
        var chosen = FaultCatalog.Named(fault);
        if (chosen.WhyNot?.Invoke() is { } whyNot) Assert.Skip(whyNot);
        var run = await Scenario.RunAsync(await shared.StageAsync(), chosen, FaultCatalog.Seed(), FaultForm.Bound);
        TestContext.Current.TestOutputHelper?.WriteLine(run.ToString());
        shared.Ended(run);
        Assert.True(run.Result.Findings.Count == 0, run.ToString());
    }
}

/// <summary>One stage for the faults that leave it as they found it.</summary>
[CollectionDefinition(nameof(FaultTests))]
public class SharedFaultStage : ICollectionFixture<SharedFaultStage>, IAsyncLifetime
{
    private FaultStage? _stage;
    private bool _suspect = true;

    private protected virtual bool WithRedis => false;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>A new one after a test that failed: nobody knows what that left behind.</summary>
    internal async Task<FaultStage> StageAsync()
    {
        if (_suspect)
        {
            await DisposeAsync();
            _stage = await FaultStage.StartAsync(redis: WithRedis);
        }

        _suspect = true;
        return _stage!;
    }

    internal void Ended(FaultRun run) => _suspect = run.Result.Findings.Count > 0;

    public async ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        if (_stage is not null) await _stage.DisposeAsync();
        _stage = null;
    }
}
