using System.Diagnostics.Metrics;
using Notify.Engine.Observability;

namespace Notify.Engine.Delivery.Replay;

/// <summary>What replays count.</summary>
internal sealed class ReplayMetrics
{
    private readonly Counter<long> _reads;

    public ReplayMetrics(IMeterFactory meters)
    {
        _reads = meters.Create(NotifyMetrics.MeterName)
            .CreateCounter<long>("notify.catch_up.reads", "{read}", "Steps of a replay that the ring could not serve.");
        _reads.Add(0);
    }

    public void Read() => _reads.Add(1);
}
