namespace Notify.Benchmarks.Workloads;

/// <summary>What one kind of work costs on one server: CPU and count, summed over the turns in which it is done.</summary>
/// <param name="work">Does it once.</param>
/// <param name="report">Takes the CPU seconds of each that was done, or what was wrong.</param>
/// <param name="load">The processes of the load, disposed of with this; null when each turn has its own.</param>
internal sealed class CostMeter(Func<Task<Spent>> work, Action<double, string?> report, IAsyncDisposable? load = null)
{
    private double _cpu;
    private long _done;
    private string? _problem;

    /// <summary>
    /// Measures these by turns and reports them. A machine that others slow down for a minute slows all of them, and what
    /// comes every ten seconds, such as a full collection, is in the sum as often as it comes.
    /// </summary>
    public static async Task ByTurnsAsync(int turns, params IReadOnlyList<CostMeter> meters)
    {
        for (var turn = 0; turn < turns; turn++)
        {
            foreach (var meter in meters) await meter.TakeTurnAsync();
        }

        foreach (var meter in meters)
        {
            meter.Report();
            await meter.EndAsync();
        }
    }

    public static async Task OnceAsync(Task<CostMeter> meter) => await ByTurnsAsync(1, await meter);

    private async Task TakeTurnAsync()
    {
        var spent = await work();
        _cpu += spent.Cpu;
        _done += spent.Done;
        _problem ??= spent.Problem;
    }

    private void Report() => report(_cpu / _done, _problem);

    private ValueTask EndAsync() => load?.DisposeAsync() ?? ValueTask.CompletedTask;
}

/// <param name="Cpu">Seconds.</param>
/// <param name="Done">So many.</param>
/// <param name="Problem">What was lost, repeated or refused; null when all is well.</param>
internal readonly record struct Spent(double Cpu, long Done, string? Problem);
