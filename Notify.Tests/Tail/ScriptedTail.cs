using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>A tail on a log that a test scripts, by a clock that the test moves.</summary>
public abstract class ScriptedTail : IAsyncDisposable
{
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();

    private protected ScriptedTail(IDelivery delivery)
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        Counted = new Readings(meters);
        Position = new TailPosition(Log, new LogClock(Time), Time);
        Metrics = new TailMetrics(meters, Position);
        Tail = new LogTail(Position, Log, new LogAppliers([], delivery), Metrics, new SharedMemory(512L * 1024 * 1024), Time, NullLogger<LogTail>.Instance);
    }

    private protected ScriptedLog Log { get; } = new();
    private protected FakeTimeProvider Time { get; } = new();
    private protected Readings Counted { get; }
    private protected TailPosition Position { get; }
    private protected TailMetrics Metrics { get; }
    private protected LogTail Tail { get; }

    private protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        await StopAsync(patience.Token);
        Tail.Dispose();
        Counted.Dispose();
        await _services.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    private protected virtual Task StopAsync(CancellationToken patience) => Tail.StopAsync(patience);
}
