using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Notify.Tests.Fixtures;

/// <summary>What one node, of several in this process, counts and measures.</summary>
internal sealed class Readings : IDisposable
{
    private readonly ConcurrentDictionary<string, long> _totals = [];
    private readonly ConcurrentDictionary<string, ConcurrentQueue<double>> _measured = [];
    private readonly MeterListener _listener = new();

    public Readings(IMeterFactory node)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, node)) listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) =>
        {
            _totals.AddOrUpdate(instrument.Name, value, (_, total) => total + value);
            foreach (var tag in tags) _totals.AddOrUpdate($"{instrument.Name} {tag.Value}", value, (_, total) => total + value);
        });
        _listener.SetMeasurementEventCallback<double>((instrument, value, _, _) => Measured(instrument.Name).Enqueue(value));
        _listener.SetMeasurementEventCallback<int>((instrument, value, _, _) => Measured(instrument.Name).Enqueue(value));
        _listener.Start();
    }

    /// <summary>A counter's total, or what of it has a tag of this value.</summary>
    public long this[string name, string? tag = null] => _totals.GetValueOrDefault(tag is null ? name : $"{name} {tag}");

    /// <summary>Each value that was measured, or counted in fractions.</summary>
    public ConcurrentQueue<double> Measured(string name) => _measured.GetOrAdd(name, _ => []);

    /// <summary>Has the gauges read now.</summary>
    public void ReadGauges() => _listener.RecordObservableInstruments();

    public void Dispose() => _listener.Dispose();
}
