using Notify.Contracts.Hub;
using Notify.Server.Delivery.Frames;
using Notify.Server.Delivery.Tail;

namespace Notify.Server.Delivery.Sessions;

/// <summary>
/// Looks after all sessions once a second: says Progress on quiet ones, so that a client's number stays fresh, and closes
/// them when the log has not been readable for long, so that nobody is connected but deaf.
/// </summary>
internal sealed partial class SessionKeeper(
    SessionRegistry sessions, TailPosition tail, SessionScheduler scheduler, TimeProvider time, ILogger<SessionKeeper> logger) : BackgroundService
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30);

    /// <summary>Long enough for a database failover.</summary>
    private static readonly TimeSpan DeafAfter = TimeSpan.FromSeconds(30);

    /// <summary>Connections asked to leave at a time, so that they do not all come back at once.</summary>
    private const int CloseAtATime = 100;

    private static readonly TimeSpan ClosePause = TimeSpan.FromMilliseconds(50);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            if (tail.Life is not { } life) continue;
            if (tail.UnreadableFor > DeafAfter) await CloseAllAsync(stoppingToken);
            else SayProgress(life);
        }
    }

    /// <summary>Asks every connection to come back, staggered: also what a leaving node does.</summary>
    public async Task CloseAllAsync(CancellationToken cancellationToken)
    {
        var closed = 0;
        foreach (var session in sessions.All)
        {
            session.Sink.CloseForReconnect();
            if (++closed % CloseAtATime == 0) await Task.Delay(ClosePause, time, cancellationToken);
        }

        if (closed > 0) LogClosed(logger, closed);
    }

    private void SayProgress(LogLife life)
    {
        var dispatched = tail.Dispatched;
        var now = time.GetTimestamp();
        OutgoingFrame? shared = null;
        foreach (var session in sessions.All)
        {
            if (session.OfferProgress(life, dispatched, version => shared ??= new ControlFrame(ClientMethods.Progress, new Progress(version, life.Epoch)), now, Quiet))
                scheduler.Ready(session);
        }
    }

    [LoggerMessage(LogLevel.Warning, "Asked {Count} connections to come back.")]
    private static partial void LogClosed(ILogger logger, int count);
}
