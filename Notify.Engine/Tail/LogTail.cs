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
    SharedMemory memory,
    TimeProvider time,
    ILogger<LogTail> logger) : NodeService
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

    // What was taken from other nodes' hints and of which the head has not yet said that it hid no change; from 0: nothing.
    private long _unprovenFrom;
    private long _unprovenTo;

    /// <summary>This node has committed these: contiguous versions, in order; at least one.</summary>
    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries) =>
        Take(epoch, entries, new Hint.Entries(epoch, entries) { At = time.GetTimestamp(), Trace = NotifyTraces.Current, IsTrusted = true });

    /// <summary>Another node says that it has committed these.</summary>
    /// <param name="epoch">The epoch of the log they are in.</param>
    /// <param name="entries">Contiguous versions, in order; at least one.</param>
    /// <param name="trace">The append's.</param>
    public void CommittedElsewhere(Guid epoch, IReadOnlyList<LogEntry> entries, ActivityContext trace) =>
        Take(epoch, entries, new Hint.Entries(epoch, entries) { At = time.GetTimestamp(), Trace = trace });

    private void Take(Guid epoch, IReadOnlyList<LogEntry> entries, Hint.Entries hint)
    {
        if (position.View is { } view && view.EpochId == epoch) view.ObserveHead(entries[^1].Version);
        var bytes = BytesOf(entries);
        if (Interlocked.Add(ref _pendingBytes, bytes) > PendingBytes) Interlocked.Add(ref _pendingBytes, -bytes);
        else _hints.Writer.TryWrite(hint);
    }

    /// <summary>Another node has committed up to here; what it was is read from the log.</summary>
    public void Ahead(Guid epoch, long last) => _hints.Writer.TryWrite(new Hint.Ahead(epoch, last));

    /// <summary>
    /// What was delivered from this version on is not what the log has: the node reads it anew, and sessions that were given any of it get
    /// a Gap.
    /// </summary>
    public void Distrust(LogView view, long from) => _hints.Writer.TryWrite(new Hint.Distrusted(view, from));

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
                if (position.View is not { } view) return; // the first poll reads them
                if (entries.Epoch != view.EpochId) _poll.Soon();
                else if (!entries.IsTrusted && entries.HasChanges) await TakeAsync(new Hint.Ahead(entries.Epoch, entries.Last), cancellationToken);
                else await FollowAsync(view, entries, cancellationToken);
                break;
            case Hint.Position { Head: var head }:
                await SeeAsync(head, cancellationToken);
                break;
            case Hint.Ahead(var epoch, var last):
                if (position.View is not { } here) return;
                if (epoch != here.EpochId) _poll.Soon();
                else if (last > here.Ring.End)
                {
                    _aheadTo = Math.Max(_aheadTo, last);
                    ReadHole(here, "position");
                }

                break;
            case Hint.HoleRead { Page: var page }:
                _readingHole = false;
                if (page is not null && page.Head.Epoch == position.View!.EpochId) await TakeHoleAsync(position.View, page, cancellationToken);
                break;
            case Hint.Overdue:
                _overdueAsked = false;
                if (position.View is not { } waitedIn) return;
                if (_parked.Count > 0) ReadHole(waitedIn, "hole");
                else if (_polledTo > waitedIn.Ring.End) ReadHole(waitedIn, "poll");
                break;
            case Hint.Distrusted(var distrusted, var from):
                if (!ReferenceEquals(position.View, distrusted)) return; // there is another one already

                // Also for a session that is still in the epoch before this one.
                await BeginLifeAsync(distrusted.EpochId, Math.Min(from, distrusted.DiffersFrom ?? from), cancellationToken);
                break;
            case Hint.Ephemeral { Notification: var notification }:
                appliers.DeliverEphemeral(new DeliveryEntry(notification));
                break;
        }
    }

    private async ValueTask TakeHoleAsync(LogView view, LogPage page, CancellationToken cancellationToken)
    {
        if (page.Head.Oldest > view.Ring.End + 1)
        {
            // Retention has passed this node: what changed in what is gone can only be loaded. No session was sent anything wrong.
            await BeginLifeAsync(view.EpochId, Math.Min(page.Head.Head + 1, view.DiffersFrom ?? long.MaxValue), cancellationToken);
            return;
        }

        if (page.Entries.Count > 0)
            await FollowAsync(view, new Hint.Entries(page.Head.Epoch, page.Entries) { At = time.GetTimestamp(), IsTrusted = true }, cancellationToken);
        if (page.Entries.Count > 0 && page.Through < page.Head.Head) ReadHole(view, "hole");

        // What was told of while the read was under way may have been committed after it looked; what was told of before
        // it and was not there does not exist.
        else if (_aheadTo > Math.Max(_aheadWhenRead, view.Ring.End)) ReadHole(view, "position");
    }

    /// <summary>Takes what comes next, parks what is early, drops what is known.</summary>
    private async ValueTask FollowAsync(LogView view, Hint.Entries hint, CancellationToken cancellationToken)
    {
        await appliers.FinishAsync(cancellationToken);
        do
        {
            var next = view.Ring.End + 1;
            if (hint.Last < next) continue;
            if (hint.First > next)
            {
                _parked.Park(hint);
                continue;
            }

            using var span = NotifyTraces.Dispatch(hint.Trace, next, hint.Last);
            if (!hint.IsTrusted)
            {
                if (_unprovenFrom == 0) _unprovenFrom = next;
                _unprovenTo = hint.Last;
            }

            await appliers.ApplyAsync(view, hint.Committed, (int)(next - hint.First), hint.At, cancellationToken);
        }
        while (_parked.TryTake(view.Ring.End + 1, out hint));

        if (_parked.Count > 0) AskWhenOverdue();
    }

    private async Task SeeAsync(LogHead head, CancellationToken cancellationToken)
    {
        var view = position.View;
        if (view is not null && view.EpochId == head.Epoch && head.Head < view.Ring.End)
        {
            // Committed versions are gone and will be given again with other content. The epoch must tell clients so.
            head = await log.ReadHeadAsync(cancellationToken);
            if (head.Epoch == view.EpochId && head.Head < view.Ring.End)
            {
                LogHeadWentBack(logger, head.Head, view.Ring.End);
                head = head with { Epoch = await log.BeginEpochAsync(cancellationToken) };
            }
        }

        if (view is null || view.EpochId != head.Epoch)
        {
            await BeginLifeAsync(head.Epoch, differsFrom: null, cancellationToken);
            return;
        }

        if (HidChange(view, head))
        {
            LogHidden(logger, head.LastChange);
            var from = _unprovenFrom > 0 ? Math.Min(_unprovenFrom, head.LastChange) : head.LastChange;
            await BeginLifeAsync(view.EpochId, Math.Min(from, view.DiffersFrom ?? from), cancellationToken);
        }
        else if (head.Head > view.Ring.End)
        {
            // Not at once: the hint of what was committed a moment ago is on its way.
            _polledTo = head.Head;
            AskWhenOverdue();
        }
    }

    /// <summary>Whether the log has a change of people where this node was given something else: then it was misled by a hint.</summary>
    private bool HidChange(LogView view, LogHead head)
    {
        if (head.LastChange > appliers.LastChange && head.LastChange <= view.Ring.End) return true;
        if (_unprovenFrom > 0) _unprovenFrom = head.Head < _unprovenTo ? Math.Max(_unprovenFrom, head.Head + 1) : 0;
        return false;
    }

    /// <param name="epoch">What the log is called now.</param>
    /// <param name="differsFrom">From here on it may be another one than sessions were given; null: all of it.</param>
    /// <param name="cancellationToken">The loop's.</param>
    private async Task BeginLifeAsync(Guid epoch, long? differsFrom, CancellationToken cancellationToken)
    {
        if (await LogView.ReadAsync(log, epoch, differsFrom, cancellationToken, memory) is not { } view)
            return; // replaced or swept while it was read: the next poll looks again
        if (!await appliers.LoadAsync(view, cancellationToken)) return;

        var before = position.View;
        position.Dispatched = view.Ring.End;
        position.View = view;
        before?.IsOver();
        _parked.Clear();
        (_polledTo, _aheadTo, _aheadWhenRead, _unprovenFrom) = (0, 0, 0, 0);
        if (before is null) LogBegun(logger, epoch, view.Ring.End);
        else if (view.DiffersFrom is { } from) LogReadAnew(logger, from, view.Ring.End);
        else LogReplaced(logger, epoch, view.Ring.End);
        appliers.Begin(view);
    }

    private void ReadHole(LogView view, string cause)
    {
        if (_readingHole) return;
        _readingHole = true;
        _aheadWhenRead = _aheadTo;
        metrics.Read(cause);
        _ = ReadHoleAsync(view.Ring.End);
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
        for (var i = 0; i < entries.Count; i++) bytes += LogLimits.EstimatedBytes(entries[i].Content.Length);
        return bytes;
    }

    public override void Dispose()
    {
        _poll.Dispose();
        base.Dispose();
    }
}
