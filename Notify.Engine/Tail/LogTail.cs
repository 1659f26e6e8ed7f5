using System.Diagnostics;
using System.Threading.Channels;
using Notify.Engine.Delivery;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Observability;
using Notify.Engine.Publishing;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// One per node: follows the log strictly version by version, puts each entry into the ring and has it dispatched.
/// Everything it is told is a hint; a hole is read from the log, and the head is polled, so that losing every hint costs
/// at most the poll interval.
/// </summary>
/// <remarks>
/// The loop never waits for storage or for a client while it is running: reads happen beside it and come back as hints.
/// </remarks>
internal sealed partial class LogTail(
    TailPosition position,
    INotificationLog log,
    Dispatcher dispatcher,
    SessionRegistry sessions,
    LogClock clock,
    DeliveryMetrics metrics,
    TimeProvider time,
    ILogger<LogTail> logger) : BackgroundService, ICommittedEntries
{
    /// <summary>A unit is small enough that one of them never fills a healthy session's queue.</summary>
    private const int UnitEntries = 250;
    private const int UnitBytes = 256 * 1024;

    private const int ParkedHintsKept = 256;
    private const int HoleEntries = 1024;
    private const int HoleBytes = 4 * 1024 * 1024;

    /// <summary>Committed bytes waiting for the loop; beyond it hints are let go and read from the log instead.</summary>
    private const long PendingBytes = 64L * 1024 * 1024;

    /// <summary>How long an early hint waits for the ones before it until the log is asked.</summary>
    private static readonly TimeSpan ParkFor = TimeSpan.FromMilliseconds(10);

    private readonly Channel<Hint> _hints = Channel.CreateUnbounded<Hint>(new UnboundedChannelOptions { SingleReader = true });
    private readonly HeadPoll _poll = new(position, logger);
    private readonly ParkedHints _parked = new(ParkedHintsKept);
    private long _pendingBytes;
    private bool _readingHole;
    private bool _told;
    private bool _overdueAsked;

    // The furthest that a read of the head has seen, and that another node has told of without contents.
    private long _polledTo;
    private long _aheadTo;
    private long _aheadWhenRead;

    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries) => Committed(epoch, entries, NotifyTraces.Current);

    /// <param name="epoch">The life of the log they are in.</param>
    /// <param name="entries">Contiguous versions, in order; at least one.</param>
    /// <param name="trace">The append's, here or on another node.</param>
    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries, ActivityContext trace)
    {
        if (position.Life is { } life && life.EpochId == epoch) life.SawHead(entries[^1].Version);
        var bytes = BytesOf(entries);
        if (Interlocked.Add(ref _pendingBytes, bytes) > PendingBytes) Interlocked.Add(ref _pendingBytes, -bytes);
        else _hints.Writer.TryWrite(new Hint.Entries(epoch, entries) { Trace = trace });
    }

    /// <summary>Another node has committed up to here; what it was is read from the log.</summary>
    public void Ahead(Guid epoch, long last) => _hints.Writer.TryWrite(new Hint.Ahead(epoch, last));

    /// <summary>What was handed on from this version on is not what the log has: the node reads it anew, and sessions that were given any of it get a Gap.</summary>
    public void Distrust(LogLife life, long from) => _hints.Writer.TryWrite(new Hint.Distrusted(life, from));

    public void Ephemeral(LogEntry notification) => _hints.Writer.TryWrite(new Hint.Ephemeral(notification));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        position.Suspected += _poll.Soon;
        var polling = _poll.RunAsync(head => _hints.Writer.TryWrite(new Hint.Position(head)), stoppingToken);
        await foreach (var hint in _hints.Reader.ReadAllAsync(stoppingToken))
        {
            try
            {
                await TakeAsync(hint, stoppingToken);
                if (hint is Hint.Position) _told = false;
            }
            catch (StorageUnavailableException e)
            {
                // The next poll tries again: at once would be without a pause for as long as it fails. Said once.
                if (!_told) LogUnreadable(logger, e.Message);
                _told = true;
            }
        }

        await polling;
    }

    private async Task TakeAsync(Hint hint, CancellationToken cancellationToken)
    {
        switch (hint)
        {
            case Hint.Entries entries:
                Interlocked.Add(ref _pendingBytes, -BytesOf(entries.Committed));
                if (position.Life is not { } life) return; // the first poll reads them
                if (entries.Epoch != life.EpochId) _poll.Soon();
                else Follow(life, entries);
                break;
            case Hint.Position { Head: var head }:
                await SeeAsync(head, cancellationToken);
                break;
            case Hint.Ahead(var epoch, var last):
                if (position.Life is not { } here) return;
                if (epoch != here.EpochId) _poll.Soon();
                else if (last > here.Ring.End)
                {
                    _aheadTo = Math.Max(_aheadTo, last);
                    ReadHole(here, "position");
                }

                break;
            case Hint.HoleRead { Page: var page }:
                _readingHole = false;
                if (page is not null && page.Head.Epoch == position.Life!.EpochId) TakeHole(position.Life, page);
                break;
            case Hint.Overdue:
                _overdueAsked = false;
                if (position.Life is not { } waitedIn) return;
                if (_parked.Count > 0) ReadHole(waitedIn, "hole");
                else if (_polledTo > waitedIn.Ring.End) ReadHole(waitedIn, "poll");
                break;
            case Hint.Distrusted(var distrusted, var from):
                if (!ReferenceEquals(position.Life, distrusted)) return; // there is another one already

                // Also for a session that is still in the life before this one.
                await BeginLifeAsync(distrusted.EpochId, Math.Min(from, distrusted.DiffersFrom ?? from), cancellationToken);
                break;
            case Hint.Ephemeral { Notification: var notification }:
                dispatcher.DispatchEphemeral(new DeliveryEntry(notification));
                break;
        }
    }

    private void TakeHole(LogLife life, LogPage page)
    {
        if (page.Entries.Count > 0) Follow(life, new Hint.Entries(page.Head.Epoch, page.Entries));
        if (page.Entries.Count > 0 && page.Through < page.Head.Head) ReadHole(life, "hole");

        // What was told of while the read was under way may have been committed after it looked; what was told of before
        // it and was not there does not exist.
        else if (_aheadTo > Math.Max(_aheadWhenRead, life.Ring.End)) ReadHole(life, "position");
    }

    /// <summary>Takes what comes next, parks what is early, drops what is known.</summary>
    private void Follow(LogLife life, Hint.Entries hint)
    {
        do
        {
            var next = life.Ring.End + 1;
            if (hint.Last < next) continue;
            if (hint.First > next)
            {
                _parked.Park(hint);
                continue;
            }

            using var span = NotifyTraces.Dispatch(hint.Trace, next, hint.Last);
            Deliver(life, hint.Committed, (int)(next - hint.First));
        }
        while (_parked.TryTake(life.Ring.End + 1, out hint));

        if (_parked.Count > 0) AskWhenOverdue();
    }

    private void Deliver(LogLife life, IReadOnlyList<LogEntry> entries, int skip)
    {
        var unit = new List<DeliveryEntry>(Math.Min(entries.Count - skip, UnitEntries));
        var bytes = 0;
        for (var i = skip; i < entries.Count; i++)
        {
            var entry = new DeliveryEntry(entries[i]);
            if (unit.Count > 0 && (unit.Count == UnitEntries || bytes + entry.EstimatedBytes > UnitBytes))
            {
                Dispatch(life, [.. unit]);
                unit.Clear();
                bytes = 0;
            }

            unit.Add(entry);
            bytes += entry.EstimatedBytes;
        }

        if (unit.Count > 0) Dispatch(life, [.. unit]);
    }

    private void Dispatch(LogLife life, DeliveryEntry[] entries)
    {
        life.Applied = entries[^1].Version; // before the ring has them

        // The ring first: a session that goes live meanwhile either sees these in the ring or gets the offer.
        life.Ring.Append(entries);
        life.SawHead(life.Ring.End);
        dispatcher.Dispatch(new DispatchUnit(life, entries, clock.Now));
        position.Dispatched = life.Ring.End;
    }

    private async Task SeeAsync(LogHead head, CancellationToken cancellationToken)
    {
        var life = position.Life;
        if (life is not null && life.EpochId == head.Epoch && head.Head < life.Ring.End)
        {
            // Committed versions are gone and will be given again with other content. The epoch must tell clients so.
            head = await log.ReadHeadAsync(cancellationToken);
            if (head.Epoch == life.EpochId && head.Head < life.Ring.End)
            {
                LogHeadWentBack(logger, head.Head, life.Ring.End);
                head = head with { Epoch = await log.BeginEpochAsync(cancellationToken) };
            }
        }

        if (life is null || life.EpochId != head.Epoch) await BeginLifeAsync(head.Epoch, differsFrom: null, cancellationToken);
        else if (head.Head > life.Ring.End)
        {
            // Not at once: the hint of what was committed a moment ago is on its way.
            _polledTo = head.Head;
            AskWhenOverdue();
        }
    }

    /// <param name="epoch">What the log is called now.</param>
    /// <param name="differsFrom">From here on it may be another one than sessions were given; null: all of it.</param>
    /// <param name="cancellationToken">The loop's.</param>
    private async Task BeginLifeAsync(Guid epoch, long? differsFrom, CancellationToken cancellationToken)
    {
        if (await LogLife.ReadAsync(log, epoch, differsFrom, cancellationToken) is not { } life)
            return; // replaced or swept while it was read: the next poll looks again

        var first = position.Life is null;
        position.Dispatched = life.Ring.End;
        position.Life = life;
        _parked.Clear();
        (_polledTo, _aheadTo, _aheadWhenRead) = (0, 0, 0);
        if (first) LogBegun(logger, epoch, life.Ring.End);
        else if (life.DiffersFrom is { } from) LogReadAnew(logger, from, life.Ring.End);
        else LogReplaced(logger, epoch, life.Ring.End);
        foreach (var session in sessions.All) session.LeaveLife(life);
    }

    private void ReadHole(LogLife life, string cause)
    {
        if (_readingHole) return;
        _readingHole = true;
        _aheadWhenRead = _aheadTo;
        metrics.TailReads.Add(1, new KeyValuePair<string, object?>("cause", cause));
        _ = ReadHoleAsync(life.Ring.End);
    }

    private async Task ReadHoleAsync(long after)
    {
        LogPage? page = null;
        try
        {
            page = await log.ReadAsync(after, HoleEntries, HoleBytes, CancellationToken.None);
        }
        catch (StorageUnavailableException e)
        {
            LogUnreadable(logger, e.Message); // the next poll asks again
        }
        finally
        {
            _hints.Writer.TryWrite(new Hint.HoleRead(page));
        }
    }

    private void AskWhenOverdue()
    {
        if (_overdueAsked) return;
        _overdueAsked = true;
        _ = Task.Delay(ParkFor, time).ContinueWith(_ => _hints.Writer.TryWrite(new Hint.Overdue()), TaskScheduler.Default);
    }

    private static long BytesOf(IReadOnlyList<LogEntry> entries)
    {
        var bytes = 0L;
        for (var i = 0; i < entries.Count; i++) bytes += entries[i].Content.Length + 256;
        return bytes;
    }

    public override void Dispose()
    {
        _poll.Dispose();
        base.Dispose();
    }
}
