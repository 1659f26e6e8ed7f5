using System.Diagnostics.Metrics;
using Notify.Contracts;
using Notify.Engine.Observability;

namespace Notify.Engine.Publishing;

/// <summary>What Publishing counts.</summary>
internal sealed class PublishingMetrics
{
    private readonly Meter _meter;
    private readonly Counter<long> _published;
    private readonly Counter<long> _ephemeral;
    private readonly Counter<long> _refused;
    private readonly Histogram<int> _appendSize;
    private readonly Histogram<double> _appendDuration;
    private readonly Counter<long> _appendRetries;
    private readonly Counter<double> _held;

    public PublishingMetrics(IMeterFactory meters)
    {
        _meter = meters.Create(NotifyMetrics.MeterName);
        _published = _meter.CreateCounter<long>(
            "notify.published", "{notification}", "Notifications stored, repeats not counted.");
        _ephemeral = _meter.CreateCounter<long>(
            "notify.published.ephemeral", "{notification}", "Ephemeral notifications sent.");
        _refused = _meter.CreateCounter<long>(
            "notify.publish.refused", "{notification}", "Publishes refused, by code.");
        _appendSize = _meter.CreateHistogram(
            "notify.append.size", "{notification}", "Notifications stored by one append.",
            advice: new InstrumentAdvice<int> { HistogramBucketBoundaries = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000] });
        _appendDuration = _meter.CreateHistogram(
            "notify.append.duration", "s", "How long one append took, retries not included.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 5] });
        _appendRetries = _meter.CreateCounter<long>(
            "notify.append.retries", "{append}", "Appends tried again because storage did not take or not answer them, by kind.");
        _held = _meter.CreateCounter<double>(
            "notify.publish.held", "s", "Time in which publishers waited because this node's delivery was behind.");
    }

    /// <summary>Counters appear at their first count: from zero on, the first failure is a rate and not the beginning of a series.</summary>
    public void BeginAtZero()
    {
        _published.Add(0);
        _ephemeral.Add(0);
        _appendRetries.Add(0);
        _held.Add(0);
        Refused(ErrorCodes.StorageUnavailable, 0);
    }

    public void Stored(int entries) => _published.Add(entries);

    public void Ephemeral() => _ephemeral.Add(1);

    public void Refused(string code, int notifications = 1) => _refused.Add(notifications, new KeyValuePair<string, object?>("code", code));

    public void Appended(int entries, TimeSpan duration)
    {
        _appendSize.Record(entries);
        _appendDuration.Record(duration.TotalSeconds);
    }

    public void AppendRetried(string kind) => _appendRetries.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void HeldBack(TimeSpan time) => _held.Add(time.TotalSeconds);

    /// <summary>Reads the queue's depth whenever metrics are collected.</summary>
    public void ObserveQueue(Func<int> entries, Func<long> bytes)
    {
        _meter.CreateObservableGauge("notify.publish.queue.entries", entries, "{notification}", "Notifications waiting to be stored.");
        _meter.CreateObservableGauge("notify.publish.queue.bytes", bytes, "By", "Bytes waiting to be stored.");
    }
}
