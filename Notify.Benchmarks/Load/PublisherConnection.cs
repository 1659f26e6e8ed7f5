using System.Diagnostics;
using System.Text;
using Notify.Benchmarks.Sockets;
using Notify.Benchmarks.Wire;

namespace Notify.Benchmarks.Load;

/// <summary>One publisher with one request under way at a time: over HTTP, or over the hub.</summary>
internal sealed class PublisherConnection : IWebSocketSink, IHubMessageSink, IDisposable
{
    private readonly PublisherOptions _options;
    private readonly PublisherTally _tally;
    private readonly RawConnection _connection;
    private readonly WebSocketReader? _reader;
    private readonly HubMessages? _messages;
    private byte[] _received = new byte[4096];
    private int _receivedLength;
    private long _sentAt;

    public PublisherConnection(PublisherOptions options, PublisherTally tally, Epoll epoll, int number)
    {
        _options = options;
        _tally = tally;
        _connection = new RawConnection(epoll, number, options.Port);
        if (options.By != PublishBy.Hub)
        {
            IsReady = true;
            return;
        }

        _reader = new WebSocketReader(this);
        _messages = new HubMessages(options.Wire);
        _connection.Send(WebSocketWriter.Upgrade("/hubs/notifications", options.Port));
    }

    public bool IsReady { get; private set; }

    /// <summary>Nothing under way.</summary>
    public bool IsIdle { get; private set; } = true;

    public void Send(byte[] request) => Send(request, Stopwatch.GetTimestamp());

    /// <param name="request">One publish.</param>
    /// <param name="dueAt">When it was to be sent: what its latency is counted from.</param>
    public void Send(byte[] request, long dueAt)
    {
        IsIdle = false;
        _sentAt = dueAt;
        _connection.Send(request);
    }

    public void OnWritable() => _connection.Flush();

    public void OnReadable(byte[] buffer)
    {
        var count = _connection.Receive(buffer);
        if (count < 0) return;
        if (count == 0) throw new IOException("The server closed a publisher's connection.");
        var bytes = buffer.AsSpan(0, count);
        if (_reader is not null && IsReady)
        {
            _reader.Read(bytes);
            return;
        }

        Keep(bytes);
        if (_reader is not null) FinishUpgrade();
        else ReadAnswer();
    }

    public void OnPayload(ReadOnlySpan<byte> payload) => _messages!.Read(payload, this);

    public void OnMessage(ReadOnlySpan<byte> message)
    {
        switch (_options.Wire.Classify(message))
        {
            case HubMessageKind.Answer:
                Done(1, 0, _options.Wire.Number(message, "version"u8));
                break;
            case HubMessageKind.FailedAnswer:
                _tally.Problem(Encoding.UTF8.GetString(message));
                Done(0, 1, -1);
                break;
            case HubMessageKind.Close:
                throw new IOException("The hub closed a publisher's connection: " + Encoding.UTF8.GetString(message));
        }
    }

    public void OnMessageEnd()
    {
    }

    public void OnPing() => _connection.Send(WebSocketWriter.Pong());

    public void OnClose() => throw new IOException("The server closed a publisher's WebSocket.");

    public void Ping() => _connection.Send(_options.Wire.Ping);

    public void Dispose() => _connection.Dispose();

    private void FinishUpgrade()
    {
        var received = _received.AsSpan(0, _receivedLength);
        if (received.IndexOf("\r\n\r\n"u8) < 0) return;
        if (!received.StartsWith("HTTP/1.1 101"u8)) throw new IOException(Encoding.ASCII.GetString(received));
        IsReady = true;
        _receivedLength = 0;
        _connection.Send(_options.Wire.Handshake);
    }

    private void ReadAnswer()
    {
        var answer = HttpAnswer.Read(_received.AsSpan(0, _receivedLength));
        if (answer.Status == 0) return;
        _receivedLength = 0;
        switch (answer.Status)
        {
            case 200 when _options.By == PublishBy.Batch:
                var stored = answer.Body.Count("\"status\":201"u8);
                if (stored < _options.Batch) _tally.Problem($"{_options.Batch - stored} of a batch refused");
                Done(stored, _options.Batch - stored, HubWire.Json.Number(answer.Body, "version"u8));
                break;
            case 201:
                Done(1, 0, HubWire.Json.Number(answer.Body, "version"u8));
                break;
            default:
                _tally.Problem($"HTTP {answer.Status}: {Encoding.UTF8.GetString(answer.Body)}");
                Done(0, _options.Batch, -1);
                break;
        }
    }

    private void Done(int acked, int refused, long version)
    {
        IsIdle = true;
        _tally.Note(acked, refused, version, Stopwatch.GetTimestamp() - _sentAt);
    }

    private void Keep(ReadOnlySpan<byte> bytes)
    {
        if (_received.Length < _receivedLength + bytes.Length) Array.Resize(ref _received, (_receivedLength + bytes.Length) * 2);
        bytes.CopyTo(_received.AsSpan(_receivedLength));
        _receivedLength += bytes.Length;
    }
}
