using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Tests.Tail;

/// <summary>Notes what the tail hands it, and fails when told to.</summary>
internal sealed class RecordingApplier : ILogApplier
{
    private readonly Lock _lock = new();
    private readonly List<LogUnit> _units = [];
    private readonly List<(LogLife Life, long AsOf)> _loads = [];

    /// <summary>What the state is as of; null: the end of the ring.</summary>
    public Func<LogLife, Task<LogHead>>? Snapshot { get; set; }

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

    public IReadOnlyList<(LogLife Life, long AsOf)> Loads
    {
        get
        {
            lock (_lock) return [.. _loads];
        }
    }

    /// <summary>The life that was announced as published last.</summary>
    public LogLife? Begun { get; private set; }

    public async ValueTask<LogHead> LoadAsync(LogLife life, CancellationToken cancellationToken)
    {
        var head = Snapshot is { } snapshot ? await snapshot(life) : new LogHead(life.EpochId, life.Ring.End, life.Oldest);
        lock (_lock) _loads.Add((life, head.Head));
        return head;
    }

    public void Begin(LogLife life) => Begun = life;

    public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
    {
        Before(unit);
        lock (_lock) _units.Add(unit);
        return ValueTask.CompletedTask;
    }
}
