using Microsoft.Extensions.Logging;
using Notify.Contracts.Hub;
using Notify.Server.Delivery.Frames;
using Notify.Server.Delivery.Replay;
using Notify.Server.Delivery.Tail;
using Notify.Storage.Log;

namespace Notify.Server.Delivery.Sessions;

/// <summary>
/// Brings a session from its cursor to the end of the ring: page by page, each from the ring or from storage, until the
/// session goes live under its own gate.
/// </summary>
internal sealed partial class CatchUp(TailPosition tail, LogReplay replay, DeliveryMetrics metrics, LogClock clock, TimeProvider time, ILogger<CatchUp> logger) : IDisposable
{
    /// <summary>Bytes in one write: no more than the transport's buffer takes at once, so a stalled client holds one of them.</summary>
    private const int WriteBytes = 64 * 1024;

    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StorageRetry = TimeSpan.FromMilliseconds(500);

    /// <summary>Few are written to at a time, as in live delivery: ten thousand that come back at once do not fill ten thousand pipes.</summary>
    private readonly SemaphoreSlim _writers = new(16);

    public void Dispose() => _writers.Dispose();

    public void Run(DeliverySession session) => _ = Task.Run(() => RunAsync(session));

    private async Task RunAsync(DeliverySession session)
    {
        try
        {
            var run = new Progression(session, time);
            while (session.IsCatchingUp && !session.TryGoLive(tail.Life!)) await StepAsync(run);
        }
        catch (Exception e)
        {
            // A session that can go no further must not look connected: the client comes back and says where it was.
            if (session.State == SessionState.Closed) return;
            LogFailed(logger, e);
            session.Sink.CloseForReconnect();
        }
    }

    private async Task StepAsync(Progression run)
    {
        var session = run.Session;
        if (session.AdoptLife(tail.Life!) is { } epochGap)
        {
            await SendAsync(session, new ControlFrame(ClientMethods.Gap, epochGap));
            return;
        }

        var (life, cursor, filters) = session.Place();
        ReplayStep step;
        try
        {
            step = await replay.NextAsync(life, cursor, filters, run.Plan, CancellationToken.None);
        }
        catch (StorageUnavailableException)
        {
            // The connection stays: delivery goes on when storage is back. The tail closes sessions when that takes long.
            await Task.Delay(StorageRetry, time);
            return;
        }

        if (step.Oldest is { } oldest)
        {
            await SendAsync(session, new ControlFrame(ClientMethods.Gap, session.SkipTo(oldest)));
            return;
        }

        run.Wanted.Clear();
        session.Select(step.Entries, clock.Now, run.Wanted);
        await SendAsync(session, run.Wanted);
        session.Advance(step.Through);

        if (run.Wanted.Count > 0) run.LastSentAt = time.GetTimestamp();
        else if (time.GetElapsedTime(run.LastSentAt) >= ProgressInterval)
        {
            run.LastSentAt = time.GetTimestamp();
            await SendAsync(session, new ControlFrame(ClientMethods.Progress, new Progress(step.Through, life.Epoch)));
        }
    }

    private async Task SendAsync(DeliverySession session, List<DeliveryEntry> entries)
    {
        for (var from = 0; from < entries.Count && session.IsCatchingUp;)
        {
            var to = from;
            var bytes = 0;
            do bytes += entries[to++].EstimatedBytes;
            while (to < entries.Count && bytes + entries[to].EstimatedBytes <= WriteBytes);

            await SendAsync(session, new NotificationFrame([.. entries[from..to]]));
            session.Advance(entries[to - 1].Version);
            from = to;
        }
    }

    private async Task SendAsync(DeliverySession session, OutgoingFrame frame)
    {
        await _writers.WaitAsync();
        ValueTask write;
        try
        {
            metrics.Delivered(frame.Entries);
            write = session.Sink.WriteAsync(frame.For(session.Sink.Format));
            await Task.Yield(); // the transport takes what was just written
        }
        finally
        {
            _writers.Release();
        }

        await write; // outside: a slow client waits alone
    }

    [LoggerMessage(LogLevel.Error, "A session could not catch up and was closed with reconnect allowed.")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private sealed class Progression(DeliverySession session, TimeProvider time)
    {
        public DeliverySession Session { get; } = session;
        public TopicPlan Plan { get; } = new();
        public List<DeliveryEntry> Wanted { get; } = [];
        public long LastSentAt { get; set; } = time.GetTimestamp();
    }
}
