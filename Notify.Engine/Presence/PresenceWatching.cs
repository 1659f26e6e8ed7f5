using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Cluster;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Presence;

/// <summary>
/// Signals joins and leaves of watched topics to the connections that watch, on whichever node. Each node tells the others which
/// topics it watches, under a lease, and each then tells them once a second what changed among its own people there.
/// </summary>
/// <remarks>
/// What is told is a node's whole state of a topic, and again every few seconds, so that a lost letter is made good by the next. A
/// node's people stay as it told them while it holds its lease, so that a short failure of the link between nodes makes no user
/// leave and join again. They are gone when it has no lease and was not heard of for the grace, at the latest after 25 s of silence.
/// </remarks>
internal sealed partial class PresenceWatching : NodeService
{
    /// <summary>How often changes are looked for and told.</summary>
    public static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);

    /// <summary>How long another node's word that it watches a topic is good for.</summary>
    public static readonly TimeSpan WatchLease = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan AnnounceEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan RepeatEvery = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(30);

    /// <summary>A node that holds its lease and is not heard of: what it told last is too old then.</summary>
    private static readonly TimeSpan Silence = TimeSpan.FromSeconds(25);

    /// <summary>Topics that other nodes watch; more are no service's.</summary>
    private const int MostElsewhere = 100_000;

    private static readonly TimeSpan WarmWithin = TimeSpan.FromMilliseconds(800);

    private readonly Lock _gate = new();
    private readonly Dictionary<string, WatchedTopic> _watched = new(StringComparer.Ordinal);
    private readonly Dictionary<DeliverySession, HashSet<string>> _watchers = [];
    private readonly Dictionary<string, TopicElsewhere> _elsewhere = new(StringComparer.Ordinal);
    private readonly Dictionary<Guid, long> _heard = [];
    private readonly HashSet<Guid> _announcedTo = [];
    private readonly SemaphoreSlim _wake = new(0, 1);
    private readonly PresenceLink _link;
    private readonly NodeLeases _leases;
    private readonly LocalPresence _local;
    private readonly Router _router;
    private readonly PresenceMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly int _mostTopics;
    private FilterChanges? _changes;
    private readonly Occasionally _logFailure;
    private long _announcedAt;
    private long _number;

    public PresenceWatching(
        PresenceLink link, NodeLeases leases, LocalPresence local, Router router, SessionRegistry sessions, PresenceMetrics metrics,
            IOptions<NotifyOptions> options,
        TimeProvider time, ILogger<PresenceWatching> logger)
    {
        (_link, _leases, _local, _router, _metrics, _time, _logger) = (link, leases, local, router, metrics, time, logger);
        _mostTopics = options.Value.Limits.FiltersPerConnection;
        _announcedAt = time.GetTimestamp();
        _logFailure = new Occasionally(time, LogInterval);
        metrics.Watch(() => _watched.Count);
        link.Received += Take;
        sessions.Removed += Forget;
    }

    /// <summary>The connection is told of changes on these topics from now on; what is so now on all that it watches.</summary>
    public async Task<(IReadOnlyList<PresenceCount>? Topics, Refusal? Refusal)> WatchAsync(DeliverySession session, IReadOnlyCollection<string> topics,
        CancellationToken cancellationToken)
    {
        List<WatchedTopic> watched;
        lock (_gate)
        {
            var known = _watchers.GetValueOrDefault(session);
            if ((known?.Count ?? 0) + topics.Count(topic => known?.Contains(topic) != true) > _mostTopics)
                return (null,
                    new Refusal(ErrorCodes.InvalidRequest, $"At most {_mostTopics} topics are watched on a connection (Notify:Limits:FiltersPerConnection)."));
            watched = [.. topics.Select(TopicOf)];
        }

        var cold = watched.Where(topic => !topic.Warm.IsCompleted).ToList();
        if (cold.Count > 0)
        {
            Announce(cold.Select(topic => topic.Topic));
            await Task.WhenAll(cold.Select(topic => topic.Warm)).WaitAsync(WarmWithin, _time, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        lock (_gate)
        {
            if (!_watchers.TryGetValue(session, out var own)) _watchers[session] = own = new(StringComparer.Ordinal);
            foreach (var topic in watched)
            {
                _watched[topic.Topic] = topic;
                topic.TakeOwn(TopicPeople.Of(_local.Following(topic.Topic)));
                SendEvents(topic, topic.Advance(mayCount: topic.Watchers.Count == 0));
                topic.Watchers.Add(session);
                own.Add(topic.Topic);
            }

            if (session.State != SessionState.Closed) return (Counts(own), null);
        }

        Forget(session); // it left while it was added
        return ([], null);
    }

    /// <summary>No longer; what is so now on those that it still watches.</summary>
    public IReadOnlyList<PresenceCount> Unwatch(DeliverySession session, IEnumerable<string> topics)
    {
        lock (_gate)
        {
            if (!_watchers.TryGetValue(session, out var own)) return [];
            foreach (var topic in topics) Remove(session, own, topic);
            if (own.Count == 0) _watchers.Remove(session);
            return Counts(own);
        }
    }

    /// <summary>Another credential: what it does not cover is watched no longer.</summary>
    public void Cover(DeliverySession session, Func<TopicFilter, bool> covers)
    {
        lock (_gate)
        {
            if (!_watchers.TryGetValue(session, out var own)) return;
            foreach (var topic in own.Where(topic => !covers(TopicFilter.Exact(topic))).ToArray()) Remove(session, own, topic);
        }
    }

    /// <summary>Looks at what changed, tells the other nodes of it and the watchers.</summary>
    internal void Look()
    {
        List<TopicState> states = [];
        IReadOnlyCollection<string> announced = [];
        lock (_gate)
        {
            EndWhatIsOver();
            FindChanged();
            foreach (var topic in _watched.Values.Where(topic => topic.Watchers.Count > 0)) SendEvents(topic, topic.Advance());
            Report(states, repeat: true);
            if (IsAnnouncementDue()) announced = [.. _watched.Keys];
        }

        Send(states);
        if (announced.Count > 0) Announce(announced);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _metrics.BeginAtZero();
        var pause = LookEvery;
        var looked = _time.GetTimestamp();
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                var left = pause - _time.GetElapsedTime(looked);
                if (left > TimeSpan.Zero && await _wake.WaitAsync(left, stoppingToken))
                {
                    ReportNew();
                    continue;
                }

                looked = _time.GetTimestamp();
                try
                {
                    Look();
                }
                catch (Exception exception)
                {
                    if (_logFailure.Now(out _)) LogFailed(_logger, exception);
                }

                // However much is watched, looking takes a fifth of a processor at most.
                var took = _time.GetElapsedTime(looked);
                pause = took * 5 > LookEvery ? took * 5 : LookEvery;
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private WatchedTopic TopicOf(string name)
    {
        if (!_watched.TryGetValue(name, out var topic))
        {
            _watched[name] = topic = new WatchedTopic(name, _time.GetTimestamp());
            Track();
            topic.TakeOwn(TopicPeople.Of(_local.Following(name)));
            topic.LookIfWarm(Others);
        }

        topic.UsedAt = _time.GetTimestamp();
        return topic;
    }

    private IEnumerable<Guid> Others => _link.Crosses ? _leases.Nodes.Where(node => node != _leases.Node) : [];

    private void Take(Guid node, PresenceLetter letter)
    {
        var isNew = false;
        lock (_gate)
        {
            _heard[node] = _time.GetTimestamp();
            foreach (var topic in letter.Watch ?? []) isNew |= Watched(topic);
            foreach (var state in letter.States ?? [])
            {
                if (!_watched.TryGetValue(state.Topic, out var topic)) continue;
                topic.Take(node, state);
                topic.LookIfWarm(Others);
            }
        }

        if (isNew) Wake();
    }

    // By another node: it is told at once how many are here, and then of changes.
    private bool Watched(string topic)
    {
        if (!TopicName.IsValid(topic, out _) || _elsewhere.Count >= MostElsewhere) return false;
        if (_elsewhere.TryGetValue(topic, out var known))
        {
            known.WatchedAt = _time.GetTimestamp();
            known.IsNew = true; // another connection may have said so
        }
        else
        {
            _elsewhere[topic] = new TopicElsewhere { WatchedAt = _time.GetTimestamp() };
            Track();
        }

        return true;
    }

    private void Wake()
    {
        try
        {
            if (_wake.CurrentCount == 0) _wake.Release();
        }
        catch (SemaphoreFullException)
        {
            // It was woken already.
        }
    }

    private void ReportNew()
    {
        List<TopicState> states = [];
        lock (_gate) Report(states, repeat: false);
        Send(states);
    }

    private void Report(List<TopicState> states, bool repeat)
    {
        foreach (var (name, topic) in _elsewhere)
        {
            var isDue = topic.IsNew || (repeat && (topic.HasChanged || _time.GetElapsedTime(topic.ToldAt) >= RepeatEvery));
            if (!isDue) continue;
            topic.People ??= TopicPeople.Of(_local.Following(name));
            (topic.IsNew, topic.HasChanged, topic.ToldAt) = (false, false, _time.GetTimestamp());
            states.AddRange(LetterSplitting.State(name, ++_number, topic.People, _link.Bytes));
        }
    }

    private void Send(List<TopicState> states)
    {
        foreach (var letter in LetterSplitting.States(states, _link.Bytes)) _link.Send(letter);
    }

    private void Announce(IEnumerable<string> topics)
    {
        foreach (var letter in LetterSplitting.Watches(topics, _link.Bytes)) _link.Send(letter);
    }

    private bool IsAnnouncementDue()
    {
        var isNewNode = false;
        foreach (var node in Others) isNewNode |= _announcedTo.Add(node);
        if (_watched.Count == 0 || (!isNewNode && _time.GetElapsedTime(_announcedAt) < AnnounceEvery)) return false;
        _announcedAt = _time.GetTimestamp();
        _announcedTo.IntersectWith(Others);
        return true;
    }

    // The people of topics whose followers changed are read anew.
    private void FindChanged()
    {
        var ended = new List<TopicFilter>();
        _local.Expire(ended);
        if (_changes is null) return;
        var changed = _changes.Take();
        var filters = changed is null ? null : new HashSet<TopicFilter>(changed);
        filters?.UnionWith(ended);
        if (filters?.Count == 0) return;
        var wildcards = filters?.Where(filter => !filter.IsExact).ToArray();
        var names = filters?.Where(filter => filter.IsExact).Select(filter => filter.Text).ToHashSet(StringComparer.Ordinal);
        foreach (var name in _watched.Keys.Concat(_elsewhere.Keys).Distinct().ToArray())
        {
            if (filters is not null && !names!.Contains(name) && !Array.Exists(wildcards!, filter => filter.Matches(name))) continue;
            var people = TopicPeople.Of(_local.Following(name));
            if (_watched.TryGetValue(name, out var watched)) watched.TakeOwn(people);
            if (_elsewhere.TryGetValue(name, out var elsewhere)) elsewhere.Take(people);
        }
    }

    private void EndWhatIsOver()
    {
        foreach (var (name, topic) in _elsewhere.ToArray())
        {
            if (_time.GetElapsedTime(topic.WatchedAt) >= WatchLease) _elsewhere.Remove(name);
        }

        foreach (var (name, topic) in _watched.ToArray())
        {
            if (topic.Watchers.Count == 0 && _time.GetElapsedTime(topic.UsedAt) >= WatchLease) _watched.Remove(name);
        }

        foreach (var (node, heardAt) in _heard.ToArray())
        {
            if (_time.GetElapsedTime(heardAt) < (_leases.Nodes.Contains(node) ? Silence : GoneConnections.Grace)) continue;
            _heard.Remove(node);
            foreach (var topic in _watched.Values) topic.Forget(node);
        }

        Track();
    }

    // While nothing is watched, changes of the index are not noted.
    private void Track()
    {
        if (_watched.Count + _elsewhere.Count > 0 == _changes is not null) return;
        _changes = _changes is null ? new FilterChanges() : null;
        _router.NoteChanges(_changes);
    }

    private void SendEvents(WatchedTopic topic, IReadOnlyList<PresenceChanged> events)
    {
        if (topic.Watchers.Count == 0) return;
        foreach (var change in events)
        {
            _metrics.Told(change.Event);
            var frame = new ControlFrame(ClientMethods.Presence, change);
            var key = $"{ClientMethods.Presence}\n{topic.Topic}\n{change.User}\n{(change.User is null ? change.Event : "")}";
            foreach (var watcher in topic.Watchers) watcher.Signal(key, frame);
        }
    }

    private void Forget(DeliverySession session)
    {
        lock (_gate)
        {
            if (!_watchers.Remove(session, out var own)) return;
            foreach (var topic in own.ToArray()) Remove(session, own, topic);
        }
    }

    private void Remove(DeliverySession session, HashSet<string> own, string name)
    {
        if (!own.Remove(name) || !_watched.TryGetValue(name, out var topic)) return;
        topic.Watchers.Remove(session);
        topic.UsedAt = _time.GetTimestamp();
    }

    private List<PresenceCount> Counts(HashSet<string> own)
    {
        var counts = new List<PresenceCount>();
        foreach (var name in own.Order(StringComparer.Ordinal))
        {
            if (_watched.TryGetValue(name, out var topic)) counts.Add(new PresenceCount(name, topic.ToldCount) { Users = topic.ToldUsers });
        }

        return counts;
    }

    [LoggerMessage(5202, LogLevel.Error, "Computing presence changes failed unexpectedly. The node tries again in a second.")]
    private static partial void LogFailed(ILogger logger, Exception exception);

    /// <summary>A topic that another node watches, and what it was told of the people here.</summary>
    private sealed class TopicElsewhere
    {
        public required long WatchedAt { get; set; }

        public TopicPeople? People { get; set; }

        public long ToldAt { get; set; }

        public bool IsNew { get; set; } = true;

        public bool HasChanged { get; set; }

        public void Take(TopicPeople people)
        {
            HasChanged |= People is not null && !people.IsSame(People);
            People = people;
        }
    }
}
