using Microsoft.Extensions.Options;
using Notify.Contracts.Hub;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// Looks after all sessions once a second: says Progress on quiet ones, so that a client's number stays fresh, closes those whose
/// client takes nothing, and closes all when the log has not been readable for long, so that no client stays connected but receives nothing.
/// </summary>
internal sealed partial class SessionKeeper(
    SessionRegistry sessions, TailPosition tail, SessionScheduler scheduler, IOptions<NotifyOptions> options, TimeProvider time, ILogger<SessionKeeper> logger)
        : NodeService
{
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(30);

    /// <summary>Connections asked to leave at a time, so that they do not all come back at once.</summary>
    private const int CloseAtATime = 100;

    private static readonly TimeSpan ClosePause = TimeSpan.FromMilliseconds(50);

    /// <summary>However many connections there are, all have been asked within this many pauses: a leaving node has 30 s in all.</summary>
    private const int MostPauses = 200;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(TimeSpan.FromSeconds(1), time);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            CutStuck();
            if (tail.View is not { } view) continue;
            if (tail.UnreadableFor > options.Value.Storage.UnreadableLimit) await CloseAsync([.. sessions.All], stoppingToken);
            else SayProgress(view);
        }
    }

    /// <summary>Asks these connections to come back, staggered: also what a leaving node does.</summary>
    public async Task CloseAsync(IReadOnlyCollection<DeliverySession> leaving, CancellationToken cancellationToken)
    {
        if (leaving.Count == 0) return;
        LogClosing(logger, leaving.Count);
        var atATime = Math.Max(CloseAtATime, leaving.Count / MostPauses + 1);
        var closed = 0;
        foreach (var session in leaving)
        {
            session.Sink.CloseForReconnect();
            if (++closed % atATime == 0 && closed < leaving.Count) await Task.Delay(ClosePause, time, cancellationToken);
        }
    }

    private void CutStuck()
    {
        foreach (var session in sessions.All)
        {
            if (session.Sink.IsStuck) session.Sink.Cut();
        }
    }

    private void SayProgress(LogView view)
    {
        var dispatched = tail.Dispatched;
        var now = time.GetTimestamp();
        OutgoingFrame? shared = null;
        foreach (var session in sessions.All)
        {
            if (session.OfferProgress(view, dispatched, version =>
                shared ??= new ControlFrame(ClientMethods.Progress, new Progress(version, view.Epoch)), now, Quiet))
                scheduler.Ready(session);
        }
    }

    [LoggerMessage(3002, LogLevel.Warning, "Asking {Count} connections to reconnect.")]
    private static partial void LogClosing(ILogger logger, int count);
}
