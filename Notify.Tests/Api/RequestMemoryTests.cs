using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine.Configuration;
using Notify.Server.Api;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Api;

/// <summary>Long bodies take memory before anybody knows what is in them: all of them together are bounded.</summary>
public sealed class RequestMemoryTests
{
    private const int Length = 900_000;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_body_that_does_not_end_keeps_others_of_its_length_out_until_it_is_gone(bool saysItsLength)
    {
        await using var host = await ApiHost.StartAsync(settings: [("Notify:Limits:RequestBytes", "1000000")]);
        await host.PostAsync("/api/v1/topics/a", "1"); // the storage is open
        var memory = host.Services.GetRequiredService<RequestMemory>();
        using (var unfinished = await BeginAsync(host.Client.BaseAddress!, saysItsLength))
        {
            await Eventually.TrueAsync(() => !IsThere(memory), "it has taken its memory");
            var refused = await PostLongAsync(host);
            Assert.Equal((503, ErrorCodes.StorageUnavailable), (refused.Status, refused.Json.GetProperty("code").GetString()));
            Assert.NotNull(refused.Headers.RetryAfter);
            Assert.Equal(201, (await host.PostAsync("/api/v1/topics/a", "2")).Status); // what is short goes on
        }

        await Eventually.TrueAsync(async () => (await PostLongAsync(host)).Status == 200, "its memory is given back");
        for (var i = 0; i < 3; i++) Assert.Equal(200, (await PostLongAsync(host)).Status);
    }

    [Fact]
    public void A_body_alone_may_be_longer_than_the_limit()
    {
        var memory = new RequestMemory(Options.Create(new NotifyOptions { Limits = { RequestBytes = 100 } }));
        Assert.True(memory.TryTake(60));
        Assert.True(memory.TryTake(60, already: 60));
        Assert.False(memory.TryTake(1));
        memory.Give(120);
        Assert.True(memory.TryTake(1));
        Assert.False(memory.TryTake(120));
    }

    private static bool IsThere(RequestMemory memory)
    {
        if (!memory.TryTake(Length)) return false;
        memory.Give(Length);
        return true;
    }

    private static Task<ApiHost.Answer> PostLongAsync(ApiHost host) =>
        host.PostAsync("/api/v1/notifications/batch", """{"notifications":[{"topic":"a","body":"x"}]}""".PadRight(Length));

    private static async Task<Socket> BeginAsync(Uri url, bool saysItsLength)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(url.Host, url.Port, Cancel);
        var head = $"POST /api/v1/notifications/batch HTTP/1.1\r\nHost: {url.Authority}\r\nContent-Type: application/json\r\n";
        head += saysItsLength ? $"Content-Length: {Length}\r\n\r\n" : "Transfer-Encoding: chunked\r\n\r\n";
        await socket.SendAsync(Encoding.ASCII.GetBytes(head), Cancel);
        if (!saysItsLength) await socket.SendAsync(Encoding.ASCII.GetBytes($"{Length:x}\r\n{new string(' ', Length)}\r\n"), Cancel);
        return socket;
    }
}
