using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Tests.Tail;

/// <summary>Notes what the tail hands it, and fails when told to.</summary>
internal sealed class RecordingApplier : ILogApplier
{
    private readonly Lock _lock = new();
    private readonly List<LogUnit> _units = [];
    private readonly List<(LogView View, long AsOf)> _loads = [];

    /// <summary>What the state is as of; null: the end of the ring.</summary>
    public Func<LogView, Task<LogHead>>? Snapshot { get; set; }

    /// <summary>Runs before a unit is noted; what it throws is thrown to the tail.</summary>
    public Action<LogUnit> Before { get; set; } = _ => { };

    public IReadOnlyList<LogUnit> Units
    {
        get
        {
            lock (_lock) return [.. _units];
        }
    }

    public IEnumerable<long> Versions => Units.SelectMany(unit => unit.Entries).Select(entry => entry.Version);

    public IReadOnlyList<(LogView View, long AsOf)> Loads
    {
        get
        {
            lock (_lock) return [.. _loads];
        }
    }

    /// <summary>The epoch that was announced as published last.</summary>
    public LogView? Begun { get; private set; }

    public async ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken)
    {
        var head = Snapshot is { } snapshot ? await snapshot(view).WaitAsync(cancellationToken) : new LogHead(view.EpochId, view.Ring.End, view.Oldest);
        lock (_lock) _loads.Add((view, head.Head));
        return head;
    }

    public void Begin(LogView view) => Begun = view;

    public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
    {
        Before(unit);
        lock (_lock) _units.Add(unit);
        return ValueTask.CompletedTask;
    }
}
