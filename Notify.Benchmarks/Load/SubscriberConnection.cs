using System.Diagnostics;
using System.Text;
using Notify.Benchmarks.Sockets;
using Notify.Benchmarks.Wire;

namespace Notify.Benchmarks.Load;

/// <summary>One WebSocket client: upgrades, says the handshake and what it follows, then counts and checks.</summary>
internal sealed class SubscriberConnection : IWebSocketSink, IHubMessageSink, IDisposable
{
    private readonly SubscriberOptions _options;
    private readonly SubscriberTally _tally;
    private readonly HubWire _wire;
    private readonly int _number;
    private readonly RawConnection _connection;
    private readonly WebSocketReader _reader;
    private readonly HubMessages _messages;
    private byte[]? _upgrade = [];
    private bool _isClosed;

    public SubscriberConnection(SubscriberOptions options, SubscriberTally tally, Epoll epoll, int number)
    {
        _options = options;
        _tally = tally;
        _wire = options.Wire;
        _number = number;
        Ledger = new Ledger(isOrdered: options.Peer == PeerKind.Notify, isGapless: options.IsGapless);
        _reader = new WebSocketReader(this);
        _messages = new HubMessages(_wire);
        _connection = new RawConnection(epoll, number, options.Port);
        _connection.Send(WebSocketWriter.Upgrade(options.PathOf(number), options.Port));
    }

    public Ledger Ledger { get; }
    public bool IsReady { get; private set; }

    public void OnReadable(byte[] buffer)
    {
        var received = _connection.Receive(buffer);
        if (received < 0) return;
        if (received == 0)
        {
            OnClose();
            return;
        }

        ReadOnlySpan<byte> bytes = buffer.AsSpan(0, received);
        if (_upgrade is null || FinishUpgrade(ref bytes)) _reader.Read(bytes);
    }

    public void OnWritable() => _connection.Flush();

    public void Ping()
    {
        if (IsReady && !_isClosed && _options.Peer != PeerKind.Raw) _connection.Send(_wire.Ping);
    }

    public void OnPayload(ReadOnlySpan<byte> payload)
    {
        if (_options.Peer != PeerKind.Raw) _messages.Read(payload, this);
    }

    public void OnMessageEnd()
    {
        if (_options.Peer != PeerKind.Raw) return;
        Ledger.NoteUnnumbered();
        _tally.Deliveries++;
    }

    public void OnMessage(ReadOnlySpan<byte> message)
    {
        switch (_wire.Classify(message))
        {
            case HubMessageKind.Notification:
                Ledger.Note(_wire.Number(message, "version"u8));
                _tally.Deliveries++;
                if (_tally.StampedEvery > 0 && _number % _tally.StampedEvery == 0 && _wire.Stamp(message) is > 0 and var stamp)
                    _tally.Latency.Add(Stopwatch.GetTimestamp() - stamp);
                break;
            case HubMessageKind.Answer:
                if (_options.Peer == PeerKind.Stock) Ready();
                else
                {
                    Ledger.Begin(_wire.Number(message, "since"u8));
                    _tally.Answered();
                }

                break;
            case HubMessageKind.CaughtUp:
                Ready();
                break;
            case HubMessageKind.Gap:
                _tally.Problem("a Gap");
                break;
            case HubMessageKind.FailedAnswer or HubMessageKind.Close:
                _tally.Problem(Encoding.UTF8.GetString(message));
                break;
        }
    }

    public void OnPing() => _connection.Send(WebSocketWriter.Pong());

    public void OnClose()
    {
        if (_isClosed) return;
        _isClosed = true;
        _tally.Problem("a closed connection");
        Dispose();
    }

    public void Dispose() => _connection.Dispose();

    /// <summary>False as long as the answer to the upgrade has not all arrived.</summary>
    private bool FinishUpgrade(ref ReadOnlySpan<byte> bytes)
    {
        byte[] answer = [.. _upgrade!, .. bytes];
        var end = answer.AsSpan().IndexOf("\r\n\r\n"u8);
        _upgrade = answer;
        if (end < 0) return false;
        if (!answer.AsSpan().StartsWith("HTTP/1.1 101"u8)) _tally.Problem(Encoding.ASCII.GetString(answer));
        bytes = answer.AsSpan(end + 4);
        _upgrade = null;

        switch (_options.Peer)
        {
            case PeerKind.Notify:
                _connection.Send((byte[])[.. _wire.Handshake, .. _wire.Resume(_options.FiltersOf(_number), _options.Since < 0 ? null : _options.Since)]);
                break;
            case PeerKind.Stock:
                _connection.Send((byte[])[.. _wire.Handshake, .. _wire.Join(_options.TopicOf(_number))]);
                break;
            default:
                Ready();
                break;
        }

        return true;
    }

    private void Ready()
    {
        IsReady = true;
        _tally.Ready();
    }
}
