namespace Notify.Engine.Pacing;

/// <summary>Pauses that double up to a longest one, half of each by chance: nodes that lost something together do not come back together.</summary>
internal sealed class Backoff(TimeProvider time, TimeSpan first, TimeSpan longest)
{
    private const int MostDoublings = 20;

    private int _attempt;

    /// <summary>The pauses of a connection between nodes: 100 ms at first, some 6 s at most.</summary>
    public static Backoff OfConnection(TimeProvider time) => new(time, TimeSpan.FromMilliseconds(100), TimeSpan.FromMilliseconds(6_400));

    /// <summary>It worked: the next pause is a short one again.</summary>
    public void Reset() => _attempt = 0;

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var pause = first * (1 << Math.Min(_attempt++, MostDoublings));
        return Task.Delay((pause < longest ? pause : longest) * (0.5 + Random.Shared.NextDouble() / 2), time, cancellationToken);
    }
}
