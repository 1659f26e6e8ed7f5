using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Sockets;

namespace Notify.Benchmarks.Load;

/// <summary>The publisher process: one thread; closed loops, or a steady light rate.</summary>
internal sealed class PublisherRole(PublisherOptions options) : IDisposable
{
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly Epoll _epoll = new();
    private readonly PublisherTally _tally = new();
    private readonly PublishRequests _requests = new(options);
    private readonly List<PublisherConnection> _connections = [];
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(256 * 1024, pinned: true);
    private readonly RoleLine _line = new();
    private readonly Stopwatch _sincePing = Stopwatch.StartNew();

    private readonly Queue<long> _due = new();

    private int _next;
    private bool _isOn;
    private Func<bool> _wantsMore = () => false;

    public void Run()
    {
        for (var i = 0; i < options.Connections; i++) _connections.Add(new PublisherConnection(options, _tally, _epoll, i));
        while (_connections.Exists(c => !c.IsReady)) Turn(50);
        RoleLine.Say(_tally.Take(TimeSpan.Zero));
        while (true)
        {
            Turn(50);
            while (_line.TryTake(out var command))
            {
                if (command[0] == "stop") return;
                var begun = Stopwatch.GetTimestamp();
                if (command[0] == "run") RunFor(TimeSpan.FromSeconds(Number(command[1])));
                if (command[0] == "count") RunCount((long)Number(command[1]));
                if (command[0] == "rate") RunRate(Number(command[1]), TimeSpan.FromSeconds(Number(command[2])));
                RoleLine.Say(_tally.Take(Stopwatch.GetElapsedTime(begun)));
            }
        }
    }

    public void Dispose()
    {
        foreach (var connection in _connections) connection.Dispose();
        _epoll.Dispose();
    }

    private static double Number(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private void RunFor(TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        Loop(() => clock.Elapsed < time);
    }

    private void RunCount(long count)
    {
        var left = count;
        Loop(() => (left -= options.Batch) > -options.Batch);
    }

    /// <summary>Every connection sends again when it is answered, as long as more is wanted; ends when all are answered.</summary>
    private void Loop(Func<bool> wantsMore)
    {
        _isOn = true;
        _wantsMore = wantsMore;
        foreach (var connection in _connections)
        {
            if (wantsMore()) connection.Send(_requests.NextStamped(Stopwatch.GetTimestamp()));
        }

        Drain();
        _isOn = false;
    }

    /// <summary>
    /// Spread evenly, each with its time in the body. One that is due while all connections wait for answers goes with the next that is free,
    /// and its time is when it was due: a server that falls behind does not slow the load down.
    /// </summary>
    private void RunRate(double perSecond, TimeSpan time)
    {
        var begun = Stopwatch.GetTimestamp();
        var ticks = Stopwatch.Frequency / perSecond;
        var total = (int)(perSecond * time.TotalSeconds);
        for (var i = 0; i < total;)
        {
            var now = Stopwatch.GetTimestamp();
            for (; i < total && begun + (long)(i * ticks) <= now; i++) _due.Enqueue(begun + (long)(i * ticks));
            SendDue();
            var wait = TimeSpan.FromSeconds((begun + (i * ticks) - Stopwatch.GetTimestamp()) / Stopwatch.Frequency);
            Turn((int)Math.Ceiling(Math.Max(0, wait.TotalMilliseconds)));
        }

        while (_due.Count > 0)
        {
            SendDue();
            Turn(50);
        }

        Drain();
    }

    private void SendDue()
    {
        for (var tried = 0; tried < _connections.Count && _due.Count > 0; tried++)
        {
            var connection = _connections[_next++ % _connections.Count];
            if (connection.IsIdle) connection.Send(_requests.NextStamped(_due.Peek()), _due.Dequeue());
        }
    }

    private void Drain()
    {
        var quiet = Stopwatch.StartNew();
        while (_connections.Exists(c => !c.IsIdle))
        {
            if (Turn(50) > 0) quiet.Restart();
            if (quiet.Elapsed > Patience) throw new TimeoutException("A publish was not answered.");
        }
    }

    private int Turn(int milliseconds)
    {
        var ready = _epoll.Wait(milliseconds);
        for (var i = 0; i < ready; i++)
        {
            var connection = _connections[_epoll.Number(i)];
            if (_epoll.CanWrite(i)) connection.OnWritable();
            connection.OnReadable(_buffer);
            if (_isOn && connection.IsIdle && _wantsMore()) connection.Send(_requests.NextStamped(Stopwatch.GetTimestamp()));
        }

        if (options.By == PublishBy.Hub && _sincePing.Elapsed > PingEvery)
        {
            _sincePing.Restart();
            foreach (var connection in _connections.Where(c => c.IsReady)) connection.Ping();
        }

        return ready;
    }
}
