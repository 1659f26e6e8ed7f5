using Notify.Tests.Faults.Checking;
using Notify.Tests.Faults.Members;
using Notify.Tests.Faults.Traffic;

namespace Notify.Tests.Faults;

/// <summary>What a fault finds: the stage, the traffic on it, and chance with a seed.</summary>
internal sealed class Ground(FaultStage stage, int seed) : IAsyncDisposable
{
    private readonly List<Destroyed> _destroyed = [];
    private TimeSpan? _healedAt;
    private MemberTraffic? _members;

    public FaultStage Stage => stage;

    public Random Random { get; } = new(seed);

    public Crowd Crowd { get; } = new(stage.Urls, stage.Door, new Random(~seed));

    /// <summary>Members that come and go under the same fault.</summary>
    public MemberTraffic Members => _members ??= new MemberTraffic(stage.Urls, () => Crowd.Now, Crowd.NewRecorder, new Random(seed * 7));

    public TimeSpan Now => Crowd.Now;

    public IReadOnlyList<Destroyed> WhatWasDestroyed => _destroyed;

    public TimeSpan HealedAt => _healedAt ?? throw new InvalidOperationException("The fault is not over.");

    public FaultNode AnyNode => stage.Nodes[Random.Next(stage.Nodes.Count)];

    /// <summary>From here on the service should recover; without it, from the end of the fault. The first call counts.</summary>
    public void Healed() => _healedAt ??= Now;

    /// <summary>What was acknowledged since then, until now, is gone from the log.</summary>
    public void DestroyedSince(TimeSpan from) => _destroyed.Add(new Destroyed(from, Now));

    /// <summary>How long the fault itself lasts: the only waits there are.</summary>
    public Task LastsAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);

    public Task AckedMoreAsync(int count) => Crowd.AckedMoreAsync(count);

    public async ValueTask DisposeAsync()
    {
        if (_members is not null) await _members.DisposeAsync();
        await Crowd.DisposeAsync();
    }
}
