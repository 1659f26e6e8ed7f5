using Notify.Engine.Cluster.Backplanes;
using Notify.Engine.Observability;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Cluster;

/// <summary>
/// Joins this node's tail to those of the others: tells them what was committed here, and the tail what was committed
/// there. Only hints that make it fast: without any of them the tail polls the log and misses nothing.
/// </summary>
/// <remarks>What comes in is checked as if a stranger had sent it: nothing of it ends the loop.</remarks>
internal sealed partial class ClusterLink(
    IBackplane backplane,
    LogTail tail,
    TailPosition position,
    LinkMetrics metrics,
    TimeProvider time,
    ILogger<ClusterLink> logger) : NodeService
{
    /// <summary>The first hello goes when the log was read for the first time; whether it was is looked at so often.</summary>
    public static readonly TimeSpan FirstHelloInterval = TimeSpan.FromMilliseconds(100);

    /// <summary>Bytes that may wait while one message is on its way.</summary>
    private const long OutgoingBytes = 16L * 1024 * 1024;

    /// <summary>What was committed last should still reach the others when this node stops.</summary>
    private static readonly TimeSpan FlushLimit = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LogInterval = TimeSpan.FromSeconds(10);

    /// <summary>Other epochs are looked into, but not for every message: another installation may share the Redis.</summary>
    private static readonly TimeSpan SuspectInterval = TimeSpan.FromSeconds(1);

    private readonly Guid _node = Guid.NewGuid(); // of this process: a restarted one is another
    private readonly OtherNodes _others = new(time);
    private readonly OutgoingMessages _outgoing = new(OutgoingBytes);
    private readonly Occasionally _logSending = new(time, LogInterval);
    private readonly Occasionally _logReceiving = new(time, LogInterval);
    private readonly Occasionally _suspect = new(time, SuspectInterval);
    private Task _sending = Task.CompletedTask;
    private long _lastCommitted;

    /// <summary>A signal of another node, for the connections of this one. On the receiving loop: must not wait.</summary>
    public event Action<LinkMessage.Signal>? Signalled;

    /// <summary>What another node tells of its people. On the receiving loop: must not wait.</summary>
    public event Action<Guid, ReadOnlyMemory<byte>>? PresenceTold;

    /// <summary>This process, as the other nodes name it.</summary>
    public Guid Node => _node;

    /// <inheritdoc cref="IBackplane.Crosses"/>
    public bool Crosses => backplane.Crosses;

    /// <inheritdoc cref="IBackplane.EphemeralBytes"/>
    public int EphemeralBytes => backplane.EphemeralBytes;

    private Guid Epoch => position.View?.EpochId ?? default;

    public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries)
    {
        Interlocked.Exchange(ref _lastCommitted, entries[^1].Version); // before the check: a node that appears now gets it from Meet
        if (_others.MayBeThere) Send(new LinkMessage.Entries(epoch, entries) { Trace = NotifyTraces.Current });
    }

    public void Ephemeral(LogEntry notification) => Send(new LinkMessage.Ephemeral(Epoch, notification));

    public void Signal(SignalTarget to, IReadOnlyList<string> names, IReadOnlyList<string> except, string method, ReadOnlyMemory<byte> arguments) =>
        Send(new LinkMessage.Signal(Epoch, to, names, except, method, arguments));

    /// <summary>Nodes that share the database and are not heard here: something else joins them, or nothing.</summary>
    public IReadOnlyList<Guid> Unheard => _others.Unheard;

    /// <inheritdoc cref="OtherNodes.NextListening"/>
    public Task NextListening => _others.NextListening;

    /// <summary>The other nodes that share the database, as it says.</summary>
    public void Share(IEnumerable<Guid> nodes) => _others.Share([.. nodes.Where(node => node != _node)]);

    /// <summary>Tells the other nodes of people; at most <see cref="EphemeralBytes"/> of JSON.</summary>
    public void Presence(ReadOnlyMemory<byte> letter) => Send(new LinkMessage.Presence(Epoch, letter));

    /// <summary>
    /// Whether what is sent comes back: the only proof that a backplane carries. One that answers every other call may still refuse to
    /// publish or to subscribe.
    /// </summary>
    public async Task<bool> HearsItselfAsync(TimeSpan patience, CancellationToken cancellationToken)
    {
        if (_others.HasJustHeardSelf) return true;
        var heard = _others.NextOfSelf;
        Send(new LinkMessage.Hello(Epoch));
        await heard.WaitAsync(patience, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        return heard.IsCompletedSuccessfully;
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        _outgoing.Complete();
        await _sending.WaitAsync(FlushLimit, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await base.StopAsync(cancellationToken);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _sending = SendAllAsync(stoppingToken);
        if (backplane.Crosses) await Task.WhenAll(_sending, ReceiveAllAsync(stoppingToken), SayHelloAsync(stoppingToken));
    }

    private async Task SayHelloAsync(CancellationToken stoppingToken)
    {
        while (position.View is null) await Task.Delay(FirstHelloInterval, time, stoppingToken);
        using var timer = new PeriodicTimer(OtherNodes.HelloInterval, time);
        do Hello();
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private void Hello()
    {
        if (position.View is not null) Send(new LinkMessage.Hello(Epoch));
    }

    // A backplane connects again by itself. What it did not foresee must not end the process: the log goes on without it.
    private async Task ReceiveAllAsync(CancellationToken stoppingToken)
    {
        for (var backoff = Backoff.OfConnection(time); ; await backoff.WaitAsync(stoppingToken))
        {
            try
            {
                await backplane.ReceiveAsync(Take, Listening, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.NotReceiving(logger, exception);
            }
        }
    }

    // Others may have come or gone, and the log's epoch ended, while nothing was heard.
    private void Listening()
    {
        Meet(_others.BeginToListen());
        Hello();
        position.Suspect();
    }

    private void Send(LinkMessage message)
    {
        if (backplane.Crosses && !_outgoing.TryAdd(message)) metrics.Dropped("queue");
    }

    private async Task SendAllAsync(CancellationToken stoppingToken)
    {
        var gathered = new List<LinkMessage>();
        var messages = new List<EncodedMessage>();
        while (await _outgoing.TakeAsync(gathered) && !stoppingToken.IsCancellationRequested)
        {
            try
            {
                foreach (var message in LinkPacking.Pack(gathered, backplane)) Encode(message, messages);
                if (messages.Count > 0) await backplane.SendAsync(messages, stoppingToken);
                foreach (var message in messages) metrics.Sent(message.Kind);
            }
            catch (Exception exception)
            {
                // No retry: a late hint is useless, and an ephemeral notification that was sent must not be sent twice.
                metrics.Dropped("failure", Math.Max(1, messages.Count));
                if (_logSending.Now(out var passedOver)) Log.NotSent(logger, messages.Count, passedOver, exception.Message);
            }

            gathered.Clear();
            messages.Clear();
        }
    }

    private void Encode(LinkMessage message, List<EncodedMessage> into)
    {
        var encoded = LinkWriter.Write(_node, message);
        if (backplane.Cost(encoded.ContentsAt, encoded.Bytes.Length - encoded.ContentsAt) <= backplane.MessageCost) into.Add(encoded);
        else metrics.Dropped("size");
    }

    private void Take(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            if (!LinkReader.TryReadHeader(bytes, out var node, out var epoch)) Refuse("format");
            else if (node == _node) _others.HeardSelf();
            else if (position.View is not { } view || epoch == Guid.Empty) return; // before the first read of the log, here or there, nothing is live
            else if (epoch == view.EpochId) Take(node, bytes, LinkReader.Read(bytes));
            else
            {
                Refuse("epoch");
                if (_suspect.Now(out _)) position.Suspect();
            }
        }
        catch (Exception exception)
        {
            Log.NotTaken(logger, exception); // a bug; the tail finds by polling what this was about
            metrics.Invalid("error");
        }
    }

    private void Take(Guid node, ReadOnlyMemory<byte> bytes, LinkMessage? message)
    {
        if (message is null)
        {
            Refuse("content");
            return;
        }

        metrics.Received((LinkKind)bytes.Span[1]);
        Meet(_others.Heard(node));
        switch (message)
        {
            case LinkMessage.Entries entries:
                tail.CommittedElsewhere(entries.Epoch, entries.Committed, entries.Trace);
                break;
            case LinkMessage.Position there:
                tail.Ahead(there.Epoch, there.Last);
                break;
            case LinkMessage.Ephemeral ephemeral:
                tail.Ephemeral(ephemeral.Notification);
                break;
            case LinkMessage.Signal signal:
                Signalled?.Invoke(signal);
                break;
            case LinkMessage.Presence presence:
                PresenceTold?.Invoke(node, presence.Letter);
                break;
        }
    }

    // A node that joins one that was alone, or that received nothing for a while, has not got the hints of what was committed meanwhile.
    private void Meet(bool wasAlone)
    {
        if (wasAlone && Interlocked.Read(ref _lastCommitted) is > 0 and var last) Send(new LinkMessage.Position(Epoch, last, last));
    }

    private void Refuse(string reason)
    {
        metrics.Invalid(reason);
        if (_logReceiving.Now(out var passedOver)) Log.Refused(logger, reason, passedOver);
    }

    private static partial class Log
    {
        [LoggerMessage(4002, LogLevel.Warning, "{Messages} messages did not reach the other nodes ({PassedOver} more since this was last logged): {Reason}")]
        public static partial void NotSent(ILogger logger, int messages, long passedOver, string reason);

        [LoggerMessage(4003, LogLevel.Warning,
            "A message from another node was rejected because of its {Reason} ({PassedOver} more since this was last logged). Check for another version of " +
            "the program, or another installation on the same Redis without channelPrefix.")]
        public static partial void Refused(ILogger logger, string reason, long passedOver);

        [LoggerMessage(4004, LogLevel.Error, "Receiving from the other nodes failed unexpectedly. The node subscribes again.")]
        public static partial void NotReceiving(ILogger logger, Exception exception);

        [LoggerMessage(4005, LogLevel.Error, "A message from another node could not be processed. Its notifications are read from the log.")]
        public static partial void NotTaken(ILogger logger, Exception exception);
    }
}
