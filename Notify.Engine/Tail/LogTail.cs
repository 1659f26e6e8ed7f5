using System.Diagnostics;
using System.Threading.Channels;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Observability;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// One per node: follows the log strictly version by version, and has every entry applied (<see cref="LogAppliers"/>).
/// Everything it is told is a hint; a hole is read from the log, and the head is polled, so that losing every hint costs
/// at most the poll interval.
/// </summary>
/// <remarks>
/// The loop never waits for a client, and for storage only when it begins anew or an applier must read for a change of people:
/// holes are read beside it and come back as hints.
/// </remarks>
internal sealed partial class LogTail(
    TailPosition position,
    INotificationLog log,
    LogAppliers appliers,
    TailMetrics metrics,
    TimeProvider time,
    ILogger<LogTail> logger) : BackgroundService
{
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

    // The first version that was taken from another node's hint and of which the head has not yet said that it hid no change; 0: none.
    private long _unprovenFrom;

    /// <summary>This node has committed these: contiguous versions, in order; at least one.</summary>
    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries) =>
        Take(epoch, entries, new Hint.Entries(epoch, entries) { Trace = NotifyTraces.Current, IsTrusted = true });

    /// <summary>Another node says that it has committed these.</summary>
    /// <param name="epoch">The life of the log they are in.</param>
    /// <param name="entries">Contiguous versions, in order; at least one.</param>
    /// <param name="trace">The append's.</param>
    public void CommittedElsewhere(Guid epoch, IReadOnlyList<LogEntry> entries, ActivityContext trace) =>
        Take(epoch, entries, new Hint.Entries(epoch, entries) { Trace = trace });

    private void Take(Guid epoch, IReadOnlyList<LogEntry> entries, Hint.Entries hint)
    {
        if (position.Life is { } life && life.EpochId == epoch) life.SawHead(entries[^1].Version);
        var bytes = BytesOf(entries);
        if (Interlocked.Add(ref _pendingBytes, bytes) > PendingBytes) Interlocked.Add(ref _pendingBytes, -bytes);
        else _hints.Writer.TryWrite(hint);
    }

    /// <summary>Another node has committed up to here; what it was is read from the log.</summary>
    public void Ahead(Guid epoch, long last) => _hints.Writer.TryWrite(new Hint.Ahead(epoch, last));

    /// <summary>What was handed on from this version on is not what the log has: the node reads it anew, and sessions that were given any of it get a Gap.</summary>
    public void Distrust(LogLife life, long from) => _hints.Writer.TryWrite(new Hint.Distrusted(life, from));

    public void Ephemeral(LogEntry notification) => _hints.Writer.TryWrite(new Hint.Ephemeral(notification));

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        metrics.BeginAtZero();
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
            catch (UnknownEntryException e)
            {
                // The host stops. What this node would go on to deliver might be what the entry forbids.
                LogUnknownEntry(logger, e.Message);
                position.StoppedBy = e;
                throw;
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
                else if (!entries.IsTrusted && entries.HasChanges) await TakeAsync(new Hint.Ahead(entries.Epoch, entries.Last), cancellationToken);
                else await FollowAsync(life, entries, cancellationToken);
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
                if (page is not null && page.Head.Epoch == position.Life!.EpochId) await TakeHoleAsync(position.Life, page, cancellationToken);
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
                appliers.DeliverEphemeral(new DeliveryEntry(notification));
                break;
        }
    }

    private async ValueTask TakeHoleAsync(LogLife life, LogPage page, CancellationToken cancellationToken)
    {
        if (page.Head.Oldest > life.Ring.End + 1)
        {
            // Retention has passed this node: what changed in what is gone can only be loaded. Nobody was given anything wrong.
            await BeginLifeAsync(life.EpochId, Math.Min(page.Head.Head + 1, life.DiffersFrom ?? long.MaxValue), cancellationToken);
            return;
        }

        if (page.Entries.Count > 0) await FollowAsync(life, new Hint.Entries(page.Head.Epoch, page.Entries) { IsTrusted = true }, cancellationToken);
        if (page.Entries.Count > 0 && page.Through < page.Head.Head) ReadHole(life, "hole");

        // What was told of while the read was under way may have been committed after it looked; what was told of before
        // it and was not there does not exist.
        else if (_aheadTo > Math.Max(_aheadWhenRead, life.Ring.End)) ReadHole(life, "position");
    }

    /// <summary>Takes what comes next, parks what is early, drops what is known.</summary>
    private async ValueTask FollowAsync(LogLife life, Hint.Entries hint, CancellationToken cancellationToken)
    {
        await appliers.FinishAsync(cancellationToken);
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
            if (!hint.IsTrusted && _unprovenFrom == 0) _unprovenFrom = next;
            await appliers.ApplyAsync(life, hint.Committed, (int)(next - hint.First), cancellationToken);
        }
        while (_parked.TryTake(life.Ring.End + 1, out hint));

        if (_parked.Count > 0) AskWhenOverdue();
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

        if (life is null || life.EpochId != head.Epoch)
        {
            await BeginLifeAsync(head.Epoch, differsFrom: null, cancellationToken);
            return;
        }

        if (HidChange(life, head))
        {
            LogHidden(logger, head.LastChange);
            var from = _unprovenFrom > 0 ? Math.Min(_unprovenFrom, head.LastChange) : head.LastChange;
            await BeginLifeAsync(life.EpochId, Math.Min(from, life.DiffersFrom ?? from), cancellationToken);
        }
        else if (head.Head > life.Ring.End)
        {
            // Not at once: the hint of what was committed a moment ago is on its way.
            _polledTo = head.Head;
            AskWhenOverdue();
        }
    }

    /// <summary>Whether the log has a change of people where this node was given something else: then it was misled by a hint.</summary>
    private bool HidChange(LogLife life, LogHead head)
    {
        if (head.LastChange > appliers.LastChange && head.LastChange <= life.Ring.End) return true;
        if (_unprovenFrom > 0 && _unprovenFrom <= head.Head) _unprovenFrom = head.Head < life.Ring.End ? head.Head + 1 : 0;
        return false;
    }

    /// <param name="epoch">What the log is called now.</param>
    /// <param name="differsFrom">From here on it may be another one than sessions were given; null: all of it.</param>
    /// <param name="cancellationToken">The loop's.</param>
    private async Task BeginLifeAsync(Guid epoch, long? differsFrom, CancellationToken cancellationToken)
    {
        if (await LogLife.ReadAsync(log, epoch, differsFrom, cancellationToken) is not { } life)
            return; // replaced or swept while it was read: the next poll looks again
        if (!await appliers.LoadAsync(life, cancellationToken)) return;

        var before = position.Life;
        position.Dispatched = life.Ring.End;
        position.Life = life;
        before?.IsOver();
        _parked.Clear();
        (_polledTo, _aheadTo, _aheadWhenRead, _unprovenFrom) = (0, 0, 0, 0);
        if (before is null) LogBegun(logger, epoch, life.Ring.End);
        else if (life.DiffersFrom is { } from) LogReadAnew(logger, from, life.Ring.End);
        else LogReplaced(logger, epoch, life.Ring.End);
        appliers.Begin(life);
    }

    private void ReadHole(LogLife life, string cause)
    {
        if (_readingHole) return;
        _readingHole = true;
        _aheadWhenRead = _aheadTo;
        metrics.Read(cause);
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
        for (var i = 0; i < entries.Count; i++) bytes += entries[i].Content.Length + LogLimits.EntryOverheadBytes;
        return bytes;
    }

    public override void Dispose()
    {
        _poll.Dispose();
        base.Dispose();
    }
}
