namespace Notify.Client.Connection;

/// <summary>
/// Waits with full jitter: evenly between nothing and a limit that doubles. Clients that a restart cut off together
/// come back spread over the whole time instead of in waves.
/// </summary>
internal sealed class Backoff(TimeSpan first, TimeSpan max)
{
    private int _attempt;

    public TimeSpan Next()
    {
        // 2^30 of any first wait is above any max, and keeps the product finite.
        var limit = Math.Min(max.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(_attempt++, 30)));
#pragma warning disable CA5394 // Jitter keeps no secret.
        return TimeSpan.FromMilliseconds(Random.Shared.NextDouble() * limit);
#pragma warning restore CA5394
    }

    public void Reset() => _attempt = 0;
}
