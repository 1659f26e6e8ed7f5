using System.Net;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;
using System.Text.RegularExpressions;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>Clients that read all the time, slowly: they are served at their pace, in order, and are not closed for it.</summary>
public sealed partial class ThinLineTests
{
    private const int BodyBytes = 8 * 1024;
    private const int Notifications = 500; // more than sockets, pipes and a proxy hold for any of them

    /// <summary>A stock client that hears no message for so long gives its connection up.</summary>
    private static readonly TimeSpan ServerTimeout = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task At_5_20_and_100_KB_a_second_a_client_gets_all_by_hub_and_stream_directly_and_through_nginx()
    {
        await using var server = await ServerProcess.StartAsync();
        using var folder = new TempFolder();
        using var port = new ReservedPort();
        await using var nginx = await Nginx.StartAsync(folder, $$"""
            server {
              listen 127.0.0.1:{{port}};
              location / {
                proxy_pass http://127.0.0.1:{{server.Url.Port}};
                proxy_http_version 1.1;
                proxy_buffering off;
                proxy_set_header Upgrade $http_upgrade;
                proxy_set_header Connection $http_connection;
                proxy_read_timeout 120s;
              }
            }
            """, port.Number);
        for (var i = 0; i < Notifications; i += 100) await PublishAsync(server, 100);

        List<Task> clients = [];
        foreach (var url in new[] { server.Url, new Uri($"http://127.0.0.1:{port}") })
        {
            foreach (var (bytesPerSecond, wanted) in new[] { (5_000, 20), (20_000, 80), (100_000, 400) })
            {
                var name = $"{bytesPerSecond} B/s {(url == server.Url ? "directly" : "through nginx")}";
                clients.Add(FollowAsync($"hub at {name}", HubAsync(url, bytesPerSecond), wanted));
                clients.Add(FollowAsync($"stream at {name}", StreamAsync(url, bytesPerSecond), wanted));
            }
        }

        await Task.WhenAll(clients);
    }

    // Each whole message's versions, until the client has as many as wanted.
    private static async Task FollowAsync(string client, IAsyncEnumerable<IReadOnlyList<long>> messages, int wanted)
    {
        List<long> versions = [];
        var heard = TimeProvider.System.GetTimestamp();
        try
        {
            await foreach (var message in messages)
            {
                var silence = TimeProvider.System.GetElapsedTime(heard);
                Assert.True(silence < ServerTimeout, $"{client}: a stock client would have given up before {versions.Count + 1}.");
                heard = TimeProvider.System.GetTimestamp();
                versions.AddRange(message);
                if (versions.Count >= wanted) break;
            }
        }
        catch (Exception exception) when (exception is WebSocketException or IOException or HttpRequestException)
        {
            Assert.Fail($"{client}: closed after {versions.Count} notifications. {exception}");
        }

        Assert.True(versions.Count >= wanted, $"{client}: ended after {versions.Count} notifications.");
        Assert.Equal(Enumerable.Range(1, versions.Count).Select(version => (long)version), versions);
    }

    private static async IAsyncEnumerable<IReadOnlyList<long>> HubAsync(Uri url, int bytesPerSecond)
    {
        using var http = new HttpMessageInvoker(ThinHandler(bytesPerSecond));
        using var socket = new ClientWebSocket();
        await socket.ConnectAsync(new UriBuilder(url) { Scheme = "ws", Path = "/hubs/notifications" }.Uri, http, Cancel);
        await SendAsync(socket, """{"protocol":"json","version":1}""");
        await SendAsync(socket, """{"type":1,"invocationId":"1","target":"Resume","arguments":[{"since":0,"topics":["thin"]}]}""");
        var message = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (true)
        {
            var received = await socket.ReceiveAsync(buffer, Cancel);
            if (received.MessageType == WebSocketMessageType.Close) yield break;
            await message.WriteAsync(buffer.AsMemory(0, received.Count), Cancel);
            if (!received.EndOfMessage) continue;
            yield return [.. Version().Matches(Encoding.UTF8.GetString(message.ToArray())).Select(match => long.Parse(match.Groups[1].Value, null))];
            message.SetLength(0);
        }
    }

    private static async IAsyncEnumerable<IReadOnlyList<long>> StreamAsync(Uri url, int bytesPerSecond)
    {
        using var http = new HttpClient(ThinHandler(bytesPerSecond)) { BaseAddress = url };
        using var reader = new StreamReader(await http.GetStreamAsync(new Uri("api/v1/stream?filter=thin&since=0", UriKind.Relative), Cancel));
        while (await reader.ReadLineAsync(Cancel) is { } line)
            yield return line.StartsWith("id:", StringComparison.Ordinal) ? [long.Parse(line[3..], null)] : [];
    }

    private static SocketsHttpHandler ThinHandler(int bytesPerSecond) => new()
    {
        ConnectCallback = async (context, token) =>
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveBufferSize = 8 * 1024 };
            await socket.ConnectAsync(context.DnsEndPoint, token);
            return new ThinLine(new NetworkStream(socket, ownsSocket: true), bytesPerSecond);
        },
    };

    private static Task SendAsync(ClientWebSocket socket, string message) =>
        socket.SendAsync(Encoding.UTF8.GetBytes(message + '\u001e'), WebSocketMessageType.Text, endOfMessage: true, Cancel);

    private static async Task PublishAsync(ServerProcess server, int count)
    {
        var batch = new { notifications = Enumerable.Range(0, count).Select(_ => new { topic = "thin", body = new string('x', BodyBytes) }) };
        (await server.Http.PostAsJsonAsync(new Uri("api/v1/notifications/batch", UriKind.Relative), batch, Cancel)).EnsureSuccessStatusCode();
    }

    [GeneratedRegex(@"""version"":(\d+)")]
    private static partial Regex Version();

    /// <summary>Reads no more than so many bytes a second; the peer's sends wait for it.</summary>
    private sealed class ThinLine(Stream inner, int bytesPerSecond) : Stream
    {
        private static readonly TimeSpan Tick = TimeSpan.FromMilliseconds(100);

        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

        public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            if (buffer.IsEmpty) return await inner.ReadAsync(buffer, cancellationToken);
            var read = await inner.ReadAsync(buffer[..Math.Min(buffer.Length, (int)(bytesPerSecond * Tick.TotalSeconds))], cancellationToken);
            await Task.Delay(TimeSpan.FromSeconds((double)read / bytesPerSecond), TimeProvider.System, cancellationToken);
            return read;
        }

        public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            inner.WriteAsync(buffer, cancellationToken);

        public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
            inner.WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

        public override void Write(byte[] buffer, int offset, int count) => inner.Write(buffer, offset, count);
        public override void Flush() => inner.Flush();
        public override Task FlushAsync(CancellationToken cancellationToken) => inner.FlushAsync(cancellationToken);
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();

        protected override void Dispose(bool disposing)
        {
            if (disposing) inner.Dispose();
            base.Dispose(disposing);
        }
    }
}
