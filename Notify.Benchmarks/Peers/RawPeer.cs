using System.Collections.Concurrent;
using System.Net.WebSockets;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Notify.Benchmarks.Options;

namespace Notify.Benchmarks.Peers;

/// <summary>
/// The limit of Kestrel's WebSockets: a POST writes one ready frame to each socket of its topic. Nothing is stored,
/// parsed, ordered or promised. Directly, or with <c>--queued</c> through a queue a socket.
/// </summary>
internal static class RawPeer
{
    private static readonly byte[] Receipt = """{"id":"0198c0de-0000-7000-8000-000000000000","version":1}"""u8.ToArray();

    public static void Run(Arguments line)
    {
        var isQueued = line.Flag("queued");
        var frame = Frame(line.Number("body", 256));
        var builder = PeerHost.Create(line);
        var app = builder.Build();
        var topics = new ConcurrentDictionary<string, RawTopic>(StringComparer.Ordinal);
        app.UseWebSockets();
        app.MapGet("/health/ready", () => Results.Ok());
        app.MapGet("/ws", async (HttpContext context, string topic, IHostApplicationLifetime lifetime) =>
        {
            using var socket = await context.WebSockets.AcceptWebSocketAsync();
            var member = RawMember.Of(socket, isQueued);
            topics.GetOrAdd(topic, _ => new RawTopic()).Join(member);
            await member.ReadToEndAsync(lifetime.ApplicationStopping);
        });
        app.MapPost("/publish", async (HttpContext context, string topic) =>
        {
            await context.Request.Body.CopyToAsync(Stream.Null);
            if (topics.TryGetValue(topic, out var members)) await members.WriteAsync(frame);
            context.Response.StatusCode = StatusCodes.Status201Created;
            context.Response.ContentLength = Receipt.Length;
            await context.Response.Body.WriteAsync(Receipt);
        });
        app.Run();
    }

    /// <summary>As long as Notify's own frame of such a body.</summary>
    private static byte[] Frame(int bodyBytes) => Encoding.ASCII.GetBytes(
        $$"""{"type":1,"target":"Notification","arguments":[{"version":1000042,"id":"0198c0de-0000-7000-8000-000000000000","topic":"bench/0","topicSeq":1000042,"body":"{{new string('x', bodyBytes)}}","publishedAt":"2026-11-23T05:00:00.123Z"}]}""" + "\u001e");
}
