using System.Text.Json;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Server.Wire;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Cluster;

namespace Notify.Tests.People;

/// <summary>
/// A client that keeps one number, or leaves that to the service (a device): it connects here and there, is cut without goodbye, and
/// notes for each connection where it began, what came, and how far it came.
/// </summary>
internal sealed class ModelClient(string user, string? device, bool narrow)
{
    private readonly List<Connection> _connections = [];
    private volatile Connection? _now;
    private long? _since;

    public string User => user;

    /// <summary>Whether its token covers a durable subscription.</summary>
    public bool Covers(TopicFilter filter) => !narrow || !filter.Text.StartsWith('b');

    public bool HasPassed(long version) => _now is { } now && now.Passed >= version;

    public async Task ConnectAsync(ClusterNode node, CancellationToken cancellationToken)
    {
        var connection = new Connection(node);
        var session = node.Get<SessionOpener>()(connection.Id, connection, user, device);
        connection.Session = session;
        _now = connection;
        var request = new ResumeRequest { Since = device is null ? _since : null, Topics = ["named"] };
        var (result, refusal) = await node.Get<Resumption>().ResumeAsync(session, request, new SessionAccess(Covers, []), cancellationToken);
        if (refusal is not null && session.State == SessionState.Closed) throw new OperationCanceledException(); // cut while it resumed
        Assert.Null(refusal);
        connection.Start = result!.Since;
        connection.NamedFrom = request.Since ?? result.Head; // what a device has acknowledged does not speak for filters that are named
        connection.Expected = device is null ? _since : null;
        lock (_connections) _connections.Add(connection);
        session.Start();
    }

    /// <summary>The device has everything that came.</summary>
    public void Acknowledge()
    {
        if (device is null || _now is not { } now || now.Passed == 0 || !now.Session!.MayAcknowledge(now.Passed, out var epoch)) return;
        now.Node.Get<Acknowledgements>().Add(new Acknowledgement(now.Session.UserNumber, device, epoch, now.Passed));
    }

    public void CutFrom(ClusterNode node)
    {
        if (_now is { } now && ReferenceEquals(now.Node, node)) Cut();
    }

    /// <summary>The network is gone: what is written from now on never arrives.</summary>
    public void Cut()
    {
        if (Interlocked.Exchange(ref _now, null) is not { } now) return;
        if (now.End() is { } passed && device is null) _since = Math.Max(_since ?? 0, passed);
        try
        {
            now.Node.Get<SessionRegistry>().Remove(now.Id);
        }
        catch (ObjectDisposedException)
        {
            // Its node went first.
        }
    }

    /// <param name="entries">The whole log.</param>
    /// <param name="toCome">Whether an entry was this client's.</param>
    /// <param name="findings">Where what is wrong is noted.</param>
    public void Judge(IReadOnlyList<LogEntry> entries, Func<LogEntry, bool> toCome, List<string> findings)
    {
        lock (_connections)
        {
            foreach (var connection in _connections)
            {
                if (connection.Expected is { } expected && connection.Start != expected)
                    findings.Add($"{this} resumed after {expected} and was given {connection.Start}");
                var received = connection.Received;
                bool IsMine(LogEntry entry) => toCome(entry) && (entry.Topic != "named" || entry.Version > connection.NamedFrom);
                for (var i = 1; i < received.Count; i++)
                {
                    if (received[i] <= received[i - 1]) findings.Add($"{this}: {received[i]} came after {received[i - 1]}");
                }

                foreach (var version in received.Where(version => version <= connection.Start))
                    findings.Add($"{this}: {version} came to who resumed after {connection.Start}");
                foreach (var version in received.Where(version => !IsMine(entries[(int)version - 1])))
                    findings.Add($"{this} was shown {version} on {entries[(int)version - 1].Topic}, which was not for it");
                var has = received.ToHashSet();
                foreach (var entry in entries.Where(entry =>
                    entry.Version > connection.Start && entry.Version <= connection.Passed && IsMine(entry) && !has.Contains(entry.Version)))
                    findings.Add($"{this} never got {entry.Version} on {entry.Topic}: it resumed after {connection.Start} and passed {connection.Passed}");
                foreach (var said in connection.Gaps) findings.Add($"{this} was told of a gap: {said}");
            }
        }
    }

    public override string ToString() => $"{user}{(device is null ? "" : $" ({device})")}{(narrow ? ", narrow" : "")}";

    /// <summary>One connection and what came over it until it was cut.</summary>
    private sealed class Connection(ClusterNode node) : ISessionSink
    {
        private readonly Lock _gate = new();
        private readonly List<long> _received = [];
        private readonly List<string> _gaps = [];
        private long _passed;
        private bool _isCut;

        public string Id { get; } = Guid.NewGuid().ToString();

        public ClusterNode Node => node;

        public DeliverySession? Session { get; set; }

        public long Start { get; set; }

        public long? Expected { get; set; }

        public long NamedFrom { get; set; }

        public FrameEncoder Encoder => FrameEncoders.Json;

        public long Passed
        {
            get
            {
                lock (_gate) return _passed;
            }
        }

        public IReadOnlyList<long> Received
        {
            get
            {
                lock (_gate) return [.. _received];
            }
        }

        public IReadOnlyList<string> Gaps
        {
            get
            {
                lock (_gate) return [.. _gaps];
            }
        }

        /// <summary>How far it came; null when nothing was said of that.</summary>
        public long? End()
        {
            lock (_gate)
            {
                _isCut = true;
                return _passed > 0 ? _passed : null;
            }
        }

        public ValueTask WriteAsync(EncodedFrame frame)
        {
            lock (_gate)
            {
                foreach (var text in System.Text.Encoding.UTF8.GetString(frame.Bytes.Span).Split('\u001e', StringSplitOptions.RemoveEmptyEntries))
                {
                    if (!_isCut) Take(JsonElement.Parse(text));
                }
            }

            return ValueTask.CompletedTask;
        }

        public void CloseForReconnect()
        {
        }

        private void Take(JsonElement message)
        {
            var argument = message.GetProperty("arguments")[0];
            switch (message.GetProperty("target").GetString())
            {
                case "Notification":
                    _received.Add(argument.GetProperty("version").GetInt64());
                    _passed = Math.Max(_passed, _received[^1]);
                    break;
                case "CaughtUp":
                    _passed = Math.Max(_passed, argument.GetProperty("head").GetInt64());
                    break;
                case "Progress":
                    _passed = Math.Max(_passed, argument.GetProperty("version").GetInt64());
                    break;
                case "Gap":
                    _gaps.Add(argument.GetRawText());
                    break;
            }
        }
    }
}
