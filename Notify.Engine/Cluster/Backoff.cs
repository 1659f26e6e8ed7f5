namespace Notify.Engine.Cluster;

/// <summary>Growing pauses, half of them chance: nodes that lost something together do not come back together.</summary>
internal sealed class Backoff(TimeProvider time)
{
    private static readonly TimeSpan First = TimeSpan.FromMilliseconds(100);
    private const int Doublings = 6;

    private int _attempt;

    /// <summary>It worked: the next pause is a short one again.</summary>
    public void Reset() => _attempt = 0;

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var pause = First * (1 << Math.Min(_attempt++, Doublings)) * (0.5 + Random.Shared.NextDouble() / 2);
        return Task.Delay(pause, time, cancellationToken);
    }
}
