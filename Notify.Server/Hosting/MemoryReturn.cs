using Notify.Engine.Delivery.Sessions;

namespace Notify.Server.Hosting;

/// <summary>
/// Returns memory to the system after many connections have left, and after a start. .NET collects when something is allocated: a node that has
/// become quiet would keep what its busiest hour needed.
/// </summary>
internal sealed class MemoryReturn : IHostedService, IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(10);

    /// <summary>Fewer leave too little behind to stop for.</summary>
    public const int LeastLeft = 500;

    private readonly Action _collect;
    private readonly TimeProvider _time;
    private ITimer? _timer;
    private int _connections;

    // A start leaves about as much behind: a node that has no connections when it looks first returns that.
    private int _most = LeastLeft;

    private int _before;

    /// <param name="sessions">The node's connections.</param>
    /// <param name="collect">Collects everything and gives free memory back. It stops the process for some tenths of a second at most.</param>
    /// <param name="time">The clock.</param>
    public MemoryReturn(SessionRegistry sessions, Action collect, TimeProvider time)
    {
        (_collect, _time) = (collect, time);
        sessions.Added += Add;
        sessions.Removed += Remove;
    }

    /// <summary>A full collection that also gives up what it usually keeps for later; twice, for what ends in a finalizer such as a socket.</summary>
    public static void Collect()
    {
        for (var i = 0; i < 2; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _timer = _time.CreateTimer(_ => Look(), null, Interval, Interval);
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken)
    {
        Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _timer?.Dispose();

    /// <summary>Collects when half have left since it collected last, and none since it looked last.</summary>
    internal void Look()
    {
        var now = Volatile.Read(ref _connections);
        var isLeaving = now < _before;
        _before = now;
        if (isLeaving || _most - now < LeastLeft || now > _most / 2) return;
        _collect();
        Volatile.Write(ref _most, now);
    }

    private void Add(DeliverySession session)
    {
        var now = Interlocked.Increment(ref _connections);
        if (now > Volatile.Read(ref _most)) Volatile.Write(ref _most, now); // one off by two at the same time does no harm
    }

    private void Remove(DeliverySession session) => Interlocked.Decrement(ref _connections);
}
