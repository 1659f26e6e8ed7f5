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
            if (wantsMore()) connection.Send(_requests.Next());
        }

        Drain();
        _isOn = false;
    }

    /// <summary>Spread evenly, connection after connection, each with its time in the body.</summary>
    private void RunRate(double perSecond, TimeSpan time)
    {
        var clock = Stopwatch.StartNew();
        var total = (int)(perSecond * time.TotalSeconds);
        for (var i = 0; i < total; i++)
        {
            var due = TimeSpan.FromSeconds(i / perSecond);
            while (clock.Elapsed < due) Turn((int)Math.Ceiling((due - clock.Elapsed).TotalMilliseconds));
            var connection = _connections[i % _connections.Count];
            if (!connection.IsIdle)
            {
                _tally.Problem("a publish that was due before the last one was answered");
                continue;
            }

            connection.Send(_requests.NextStamped(Stopwatch.GetTimestamp()));
        }

        Drain();
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
            if (_isOn && connection.IsIdle && _wantsMore()) connection.Send(_requests.Next());
        }

        if (options.By == PublishBy.Hub && _sincePing.Elapsed > PingEvery)
        {
            _sincePing.Restart();
            foreach (var connection in _connections.Where(c => c.IsReady)) connection.Ping();
        }

        return ready;
    }
}
