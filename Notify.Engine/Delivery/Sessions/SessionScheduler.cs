using System.Threading.Channels;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// Decides which session writes when. A few connections are written to at a time, and then the transports get the
/// threads: with all pipes of a thousand connections filled before any is drained, a third of the CPU went into
/// collecting their buffers, and the caches were cold when the sockets read them.
/// </summary>
internal sealed partial class SessionScheduler(
    SessionMetrics metrics, TimeProvider time, CatchUp catchUp, DeliveryLag lag, ILogger<SessionScheduler> logger) : NodeService
{
    /// <summary>Connections written to before the transports run. Measured: 8 gave half as much again as all at once.</summary>
    private const int Turn = 8;

    private readonly Channel<(DeliverySession Session, long CommittedAt)> _ready =
        Channel.CreateUnbounded<(DeliverySession, long)>(new UnboundedChannelOptions { SingleReader = true });

    public SessionMetrics Metrics => metrics;
    public TimeProvider Time => time;

    /// <summary>For sessions that are pumped.</summary>
    public JoinedFrames Joined { get; } = new();

    /// <summary>The session has something to write. At most one entry a session: it is not ready again before it was pumped.</summary>
    /// <param name="session">The session.</param>
    /// <param name="committedAt">When the oldest of it was committed; 0 when that says nothing of this node, as after the client was waited for.</param>
    public void Ready(DeliverySession session, long committedAt = 0) => _ready.Writer.TryWrite((session, committedAt));

    /// <summary>The session reads the log until it is live.</summary>
    public void CatchUp(DeliverySession session) => catchUp.Run(session);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.BeginAtZero();
        var turn = 0;
        while (await _ready.Reader.WaitToReadAsync(stoppingToken).ConfigureAwait(false))
        {
            while (_ready.Reader.TryRead(out var next))
            {
                if (next.CommittedAt > 0) lag.HandingOver(next.CommittedAt);
                Pump(next.Session);
                if (++turn % Turn == 0) await Task.Yield();
            }

            lag.HandedOver();
            Joined.Clear();
        }
    }

    private void Pump(DeliverySession session)
    {
        try
        {
            session.Pump();
        }
        catch (Exception e)
        {
            // What cannot be written to one must not stop the writing to all.
            LogFailed(logger, e);
            session.Sink.CloseForReconnect();
        }
    }

    [LoggerMessage(3003, LogLevel.Error, "Writing to a connection failed; it was closed with reconnect allowed.")]
    private static partial void LogFailed(ILogger logger, Exception exception);
}
