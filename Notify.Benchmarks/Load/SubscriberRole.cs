using System.Diagnostics;
using System.Globalization;
using Notify.Benchmarks.Sockets;

namespace Notify.Benchmarks.Load;

/// <summary>The subscriber process: one thread, one buffer, any number of connections.</summary>
internal sealed class SubscriberRole(SubscriberOptions options) : IDisposable
{
    private const int BufferBytes = 256 * 1024;
    private static readonly TimeSpan PingEvery = TimeSpan.FromSeconds(12);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    private readonly Epoll _epoll = new();
    private readonly SubscriberTally _tally = new();
    private readonly List<SubscriberConnection> _connections = new(options.Connections);
    private readonly byte[] _buffer = GC.AllocateUninitializedArray<byte>(BufferBytes, pinned: true);
    private readonly RoleLine _line = new();
    private readonly Stopwatch _sincePing = Stopwatch.StartNew();
    private long _reported;

    public void Run()
    {
        Connect();
        while (true)
        {
            Turn(50);
            while (_line.TryTake(out var command))
            {
                if (command[0] == "stop") return;
                if (command[0] == "stamped") _tally.StampedEvery = int.Parse(command[1], CultureInfo.InvariantCulture);
                if (command[0] == "report") Report(long.Parse(command[1], CultureInfo.InvariantCulture));
            }
        }
    }

    public void Dispose()
    {
        foreach (var connection in _connections) connection.Dispose();
        _epoll.Dispose();
    }

    private void Connect()
    {
        var begun = Stopwatch.GetTimestamp();
        var quiet = Stopwatch.StartNew();
        var before = 0;
        while (_tally.ReadyConnections < options.Connections && quiet.Elapsed < Patience)
        {
            if (_connections.Count < options.Connections && _connections.Count - _tally.ReadyConnections < options.Window)
            {
                _connections.Add(new SubscriberConnection(options, _tally, _epoll, _connections.Count));
                if (_connections.Count % 8 != 0) continue;
                Turn(0);
            }
            else
            {
                Turn(50);
            }

            if (_tally.ReadyConnections == before) continue;
            before = _tally.ReadyConnections;
            quiet.Restart();
        }

        if (_tally.ReadyConnections < options.Connections) _tally.Problem($"only {_tally.ReadyConnections} of {options.Connections} connections ready");
        _reported = _tally.Deliveries;
        var replay = _tally.FirstAnswer == 0 ? TimeSpan.Zero : Stopwatch.GetElapsedTime(_tally.FirstAnswer, _tally.LastReady);
        RoleLine.Say(new SubscriberReady(
            _tally.Deliveries, replay.TotalMilliseconds, Stopwatch.GetElapsedTime(begun, _tally.LastReady).TotalMilliseconds,
            _connections.Sum(c => c.Ledger.Disordered), _connections.Sum(c => c.Ledger.Missing), _tally.Problems));
    }

    /// <summary>Waits until so many more have come, or none comes any more; then a little longer, for repeats.</summary>
    private void Report(long expected)
    {
        var quiet = Stopwatch.StartNew();
        while (_tally.Deliveries - _reported < expected && quiet.Elapsed < Patience)
        {
            var before = _tally.Deliveries;
            Turn(50);
            if (_tally.Deliveries != before) quiet.Restart();
        }

        for (var i = 0; i < 3; i++) Turn(20);
        var counts = _connections.Select(c => c.Ledger.Count).ToList();
        RoleLine.Say(new SubscriberReport(
            _tally.Deliveries - _reported, counts.Min(), counts.Max(),
            _connections.Sum(c => c.Ledger.Disordered), _connections.Sum(c => c.Ledger.Missing), _tally.Latency.Summary(), _tally.Problems));
        _reported = _tally.Deliveries;
        _tally.Latency.Clear();
    }

    private void Turn(int milliseconds)
    {
        var ready = _epoll.Wait(milliseconds);
        for (var i = 0; i < ready; i++)
        {
            var connection = _connections[_epoll.Number(i)];
            if (_epoll.CanWrite(i)) connection.OnWritable();
            connection.OnReadable(_buffer);
        }

        if (_sincePing.Elapsed < PingEvery) return;
        _sincePing.Restart();
        foreach (var connection in _connections) connection.Ping();
    }
}
