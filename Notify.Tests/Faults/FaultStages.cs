using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>
/// Gives each fault its stage, and writes the report. Whatever uses it has the machine to itself: beside all other tests
/// on two cores neither a recovery time nor a bound would mean anything, and a fault at a named moment would come late.
/// </summary>
[CollectionDefinition(nameof(FaultStages), DisableParallelization = true)]
public sealed class FaultStages : ICollectionFixture<FaultStages>, IAsyncLifetime
{
    private readonly FaultReport _report = new();
    private FaultStage? _shared;
    private bool _isFit;

    internal IReadOnlyList<string> Failures => _report.Failures;

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    /// <summary>Runs it on the stage that those before it left as they found it, or on one of its own.</summary>
    internal async Task<FaultRun> RunAsync(Fault fault, int seed)
    {
        try
        {
            var run = fault.OwnStage ? await OnItsOwnAsync(fault, seed) : await SharedAsync(fault, seed);
            _report.Add(run);
            TestContext.Current.TestOutputHelper?.WriteLine(run.ToString());
            return run;
        }
        catch (Exception error)
        {
            _report.Broken(fault.Name, seed, error);
            throw;
        }
        finally
        {
            await File.WriteAllTextAsync(Path.Combine(Repository.TestResults, "faults.md"), _report.ToMarkdown());
        }
    }

    /// <summary>Null when it can be done on this machine; else why not, as the report says too.</summary>
    internal string? WhyNot(Fault fault)
    {
        var whyNot = fault.WhyNot?.Invoke();
        if (whyNot is not null) _report.Skipped(fault.Name, whyNot);
        return whyNot;
    }

    public async ValueTask DisposeAsync()
    {
        if (_shared is not null) await _shared.DisposeAsync();
        _shared = null;
    }

    private async Task<FaultRun> OnItsOwnAsync(Fault fault, int seed)
    {
        await DisposeAsync(); // its nodes would take their share of the machine
        await using var stage = await FaultStage.StartAsync(fault.Postgres?.Invoke());
        return await Scenario.RunAsync(stage, fault, seed, FaultForm.Bound);
    }

    private async Task<FaultRun> SharedAsync(Fault fault, int seed)
    {
        // A new one after a run that failed: nobody knows what that left behind.
        if (!_isFit || _shared is null || fault.OnRedis != _shared.Redis is not null)
        {
            await DisposeAsync();
            _shared = await FaultStage.StartAsync(redis: fault.OnRedis);
        }

        _isFit = false;
        var run = await Scenario.RunAsync(_shared, fault, seed, FaultForm.Bound);
        _isFit = run.Result.Findings.Count == 0;
        return run;
    }
}
