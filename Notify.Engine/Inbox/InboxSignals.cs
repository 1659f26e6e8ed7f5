using System.Collections.Concurrent;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Inbox;

/// <summary>
/// Tells connections the counts of their users' inboxes: when they come, when their credential changes, and after everything
/// that touched the inbox, from whichever node. At most four times a second each, and never losing the last.
/// </summary>
/// <remarks>
/// Counts are read from the database, many users in a handful of queries, and kept: what arrives is added by the tail, so a
/// notification for a group of ten thousand connected members is no query (<see cref="InboxWatcher"/>). What is read after a
/// change was applied has the change in it, and is as of its own head.
/// </remarks>
internal sealed partial class InboxSignals(
    InboxReader reader, SessionRegistry sessions, Router router, TailPosition tail, LogClock clock, TimeProvider time, ILogger<InboxSignals> logger)
        : NodeService, ILogApplier
{
    /// <summary>At most four a second to one connection.</summary>
    private static readonly TimeSpan Between = TimeSpan.FromMilliseconds(250);

    /// <summary>How often retention is looked after, which has no entry.</summary>
    private static readonly TimeSpan LookAfterRetention = TimeSpan.FromSeconds(1);

    private static readonly TimeSpan AfterFailure = TimeSpan.FromSeconds(1);

    /// <summary>Users in one reading.</summary>
    private const int MostUsers = 250;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _wake = new(0);
    private readonly ConcurrentDictionary<DeliverySession, InboxWatcher> _watchers = new();
    private readonly Dictionary<long, HashSet<InboxWatcher>> _byUser = []; // guarded by the gate
    private readonly List<int> _scratch = [];
    private readonly HashSet<DeliverySession> _matching = [];
    private List<InboxWatcher> _waiting = [];
    private long _oldest;
    private volatile Place _place = new(Guid.Empty, 0);

    /// <summary>The connection asked for the counts in its Resume: it is told them now, and from now on.</summary>
    public void Watch(DeliverySession session, Func<TopicFilter, bool> covers)
    {
        if (session.User is null) return;
        var watcher = new InboxWatcher(session, covers);
        if (!_watchers.TryAdd(session, watcher)) return;
        lock (_gate)
        {
            if (!_byUser.TryGetValue(session.UserNumber, out var watchers)) _byUser[session.UserNumber] = watchers = [];
            watchers.Add(watcher);
        }

        if (session.State == SessionState.Closed) Forget(session); // it left while it was added
        else Schedule(watcher);
    }

    /// <summary>Another credential: the counts are others now.</summary>
    public void Cover(DeliverySession session, Func<TopicFilter, bool> covers)
    {
        if (!_watchers.TryGetValue(session, out var watcher)) return;
        watcher.Cover(covers);
        Schedule(watcher);
    }

    public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new LogHead(view.EpochId, view.Ring.End, view.Oldest));

    public void Begin(LogView view)
    {
        _place = new Place(view.EpochId, view.Start);
        ReadAllAgain();
    }

    public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
    {
        foreach (var entry in unit.Entries)
        {
            if (_watchers.IsEmpty) break;
            if (entry.IsNotification) TellWhoGets(entry);
            else if (entry.Entry.Kind == EntryKind.InboxMarked) TellWhoMarked((InboxMarked)DirectoryEntry.Parse(entry.Entry));
        }

        _place = new Place(unit.View.EpochId, unit.Last); // what is kept has all of it
        return ValueTask.CompletedTask;
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sessions.Removed += Forget;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await _wake.WaitAsync(LookAfterRetention, stoppingToken);
                LookAtRetention();
                await TellWaitingAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        finally
        {
            sessions.Removed -= Forget;
        }
    }

    private void TellWhoGets(DeliveryEntry entry)
    {
        _matching.Clear();
        router.Match(entry.Topic, _scratch, (_matching, _watchers), static (holders, state) =>
        {
            foreach (var holder in holders)
            {
                if (holder.Session is DeliverySession session && state._watchers.ContainsKey(session)) state._matching.Add(session);
            }
        });
        foreach (var session in _matching)
        {
            if (!session.ComesToUser(entry.Version, entry.Topic) || !_watchers.TryGetValue(session, out var watcher)) continue;
            watcher.Arrived(entry.Entry);
            Schedule(watcher);
        }
    }

    private void TellWhoMarked(InboxMarked marked)
    {
        foreach (var user in marked.Marks.Select(mark => mark.User).Distinct())
        {
            InboxWatcher[] watchers;
            lock (_gate) watchers = _byUser.TryGetValue(user, out var known) ? [.. known] : [];
            foreach (var watcher in watchers) ReadAgain(watcher);
        }
    }

    private void LookAtRetention()
    {
        if (tail.View is not { } view || view.Oldest == Interlocked.Exchange(ref _oldest, view.Oldest)) return;
        ReadAllAgain();
    }

    private void ReadAllAgain()
    {
        foreach (var watcher in _watchers.Values) ReadAgain(watcher);
    }

    private void ReadAgain(InboxWatcher watcher)
    {
        watcher.Drop();
        Schedule(watcher);
    }

    private void Schedule(InboxWatcher watcher)
    {
        lock (_gate)
        {
            if (watcher.IsWaiting) return;
            watcher.IsWaiting = true;
            _waiting.Add(watcher);
        }

        // Also while the loop waits for others to be due: this one may be told at once.
        if (_wake.CurrentCount == 0) _wake.Release();
    }

    /// <summary>Signals all waiting watchers, each when its interval allows. A watcher that is scheduled meanwhile is signalled in the next round.</summary>
    private async Task TellWaitingAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var due = TakeDue(out var next);
            if (due.Count == 0)
            {
                if (next is not { } pause) return;
                await _wake.WaitAsync(pause, cancellationToken);
                continue;
            }

            due.RemoveAll(TryTellKnown);
            foreach (var chunk in due.Chunk(MostUsers))
            {
                if (!await TryReadAndTellAsync(chunk, cancellationToken)) await Task.Delay(AfterFailure, time, cancellationToken);
            }
        }
    }

    private List<InboxWatcher> TakeDue(out TimeSpan? next)
    {
        next = null;
        var due = new List<InboxWatcher>();
        lock (_gate)
        {
            var later = new List<InboxWatcher>();
            foreach (var watcher in _waiting)
            {
                var left = watcher.ToldAt is { } told ? Between - time.GetElapsedTime(told) : TimeSpan.Zero;
                if (left > TimeSpan.Zero)
                {
                    later.Add(watcher);
                    if (next is null || left < next) next = left;
                    continue;
                }

                watcher.IsWaiting = false; // before it is read: what is applied from here on is told again
                due.Add(watcher);
            }

            _waiting = later;
        }

        return due;
    }

    private bool TryTellKnown(InboxWatcher watcher)
    {
        var place = _place;
        if (watcher.Known(place.Epoch, place.Applied, clock.Now) is not { } counts) return false;
        Send(watcher, counts);
        return true;
    }

    private async Task<bool> TryReadAndTellAsync(InboxWatcher[] watchers, CancellationToken cancellationToken)
    {
        var begun = Array.ConvertAll(watchers, watcher => watcher.BeginReading());
        IReadOnlyList<InboxCounts>? counts = null;
        try
        {
            counts = await reader.CountAsync(Array.ConvertAll(begun, one => one.Asked), cancellationToken);
            return true;
        }
        catch (StorageUnavailableException exception)
        {
            LogNotRead(logger, watchers.Length, exception.Message);
            foreach (var watcher in watchers) Schedule(watcher);
            return false;
        }
        finally
        {
            for (var i = 0; i < watchers.Length; i++)
            {
                // Through another credential by now: it waits again.
                if (watchers[i].EndReading(begun[i], counts?[i], clock.Now) && counts is not null) Send(watchers[i], counts[i]);
            }
        }
    }

    private void Send(InboxWatcher watcher, InboxCounts counts)
    {
        watcher.ToldAt = time.GetTimestamp();
        watcher.Session.Signal(
            ClientMethods.InboxChanged,
            new ControlFrame(
                ClientMethods.InboxChanged,
                new InboxChanged(counts.Unread, counts.Unseen, counts.Head, counts.Epoch.ToString(), counts.Head) { AtLeast = counts.AtLeast ? true : null }));
    }

    private void Forget(DeliverySession session)
    {
        if (!_watchers.TryRemove(session, out var watcher)) return;
        lock (_gate)
        {
            if (_byUser.TryGetValue(session.UserNumber, out var watchers) && watchers.Remove(watcher) && watchers.Count == 0)
                _byUser.Remove(session.UserNumber);
        }
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    /// <summary>Up to where this node has applied the log, in one epoch of it.</summary>
    private sealed record Place(Guid Epoch, long Applied);

    [LoggerMessage(5101, LogLevel.Debug, "The inbox counts of {Count} connections could not be read ({Cause}). They are read when storage answers again.")]
    private static partial void LogNotRead(ILogger logger, int count, string cause);
}
