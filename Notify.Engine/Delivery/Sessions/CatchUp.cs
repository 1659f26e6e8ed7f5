using Microsoft.Extensions.Logging;
using Notify.Contracts.Hub;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// Brings a session from its cursor to the end of the ring: page by page, each from the ring or from storage, until the
/// session goes live under its own gate.
/// </summary>
internal sealed partial class CatchUp(TailPosition tail, LogReplay replay, IUserReadings users, SharedMemory memory, LogClock clock,
    TimeProvider time, ILogger<CatchUp> logger) : IDisposable
{
    private static readonly TimeSpan ProgressInterval = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StorageRetry = TimeSpan.FromMilliseconds(500);

    /// <summary>
    /// Few are written to at a time, as in live delivery: ten thousand that come back at once do not fill ten thousand pipes.
    /// Two a core: one is written to while the other's transport sends. Measured on one core: sixteen were slower.
    /// </summary>
    private readonly SemaphoreSlim _writers = new(2 * Environment.ProcessorCount);

    private readonly SharedPages _shared = new(time, memory.PageBytes);

    public void Dispose() => _writers.Dispose();

    public void Run(DeliverySession session) => _ = Task.Run(() => RunAsync(session));

    private async Task RunAsync(DeliverySession session)
    {
        try
        {
            var run = new Progression(session, time);
            while (session.IsCatchingUp && !session.TryGoLive(tail.View!)) await StepAsync(run);
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
        while (session.TryTakeSignal(out var signal)) await SendAsync(session, signal);

        if (session.MustReadUser(tail.View!))
        {
            await ReadUserAsync(session);
            return;
        }

        if (session.AdoptView(tail.View!) is { } epochGap)
        {
            await SendAsync(session, new ControlFrame(ClientMethods.Gap, epochGap));
            return;
        }

        var place = session.Place();
        if (await PageAsync(run, place) is not { } page) return;

        foreach (var frame in page.Frames.SelectMany(session.AtItsPace))
        {
            // Between two writes the session may have closed or unsubscribed: what is left of the page is selected anew.
            if (!session.IsCatchingUp || session.FilterStamp != place.Stamp) return;
            await SendAsync(session, frame);
            session.Advance(frame.Last);
        }

        session.Advance(page.Through);
        if (page.Frames.Count > 0) run.LastSentAt = time.GetTimestamp();
        else if (time.GetElapsedTime(run.LastSentAt) >= ProgressInterval)
        {
            run.LastSentAt = time.GetTimestamp();
            await SendAsync(session, new ControlFrame(ClientMethods.Progress, new Progress(page.Through, place.View.Epoch)));
        }
    }

    /// <summary>The log is another one, and this session's user intervals have not been read in it.</summary>
    private async Task ReadUserAsync(DeliverySession session)
    {
        try
        {
            await users.ReadAgainAsync(session, CancellationToken.None);
        }
        catch (StorageUnavailableException)
        {
            await Task.Delay(StorageRetry, time);
        }
    }

    /// <summary>The page to send next; null when there is none: a gap, or a log that cannot be read.</summary>
    private async Task<CatchUpPage?> PageAsync(Progression run, SessionPlace place)
    {
        var session = run.Session;
        var shared = place.SharedKey is { } key && place.Cursor + 1 >= place.View.Oldest ? new SharedPages.Place(place.View, place.Cursor, key)
            : (SharedPages.Place?)null;
        if (shared is { } known && _shared.TryGet(known, out var made)) return made;

        ReplayStep step;
        try
        {
            step = (await replay.NextAsync(place.View, place.Cursor, place.Filters, run.Plan, CancellationToken.None)).UpTo(place.Cap, place.Cursor);
        }
        catch (StorageUnavailableException)
        {
            // The connection stays: delivery goes on when storage is back. The tail closes sessions when that takes long.
            await Task.Delay(StorageRetry, time);
            return null;
        }

        if (step.Oldest is { } oldest)
        {
            await SendAsync(session, new ControlFrame(ClientMethods.Gap, session.SkipTo(oldest)));
            return null;
        }

        var wanted = new List<DeliveryEntry>();
        session.Select(step.Entries, clock.Now, wanted);
        var page = new CatchUpPage(wanted, step.Through);
        if (shared is { } kept && session.FilterStamp == place.Stamp && page.Through <= place.View.Applied) _shared.Keep(kept, page);
        return page;
    }

    private async Task SendAsync(DeliverySession session, OutgoingFrame frame)
    {
        await _writers.WaitAsync();
        ValueTask write;
        try
        {
            write = session.WriteAsync(frame);
            await Task.Yield(); // the transport takes what was just written
        }
        finally
        {
            _writers.Release();
        }

        await write; // outside: a slow client waits alone
    }

    [LoggerMessage(3001, LogLevel.Error, "A session could not catch up; its connection was closed with reconnect allowed.")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    private sealed class Progression(DeliverySession session, TimeProvider time)
    {
        public DeliverySession Session { get; } = session;
        public TopicPlan Plan { get; } = new();
        public long LastSentAt { get; set; } = time.GetTimestamp();
    }
}
