using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Notify.Server.Api;

namespace Notify.Tests.Api;

/// <summary>The topic that is published to is the one that was routed, however the request line is written.</summary>
public class TopicPathTests
{
    [Theory]
    [InlineData("/api/v1/%74opics/real?link=/api/v1/topics/wrong", "real")]
    [InlineData("/api/v1/topics/real?link=/api/v1/topics/wrong", "real")]
    [InlineData("/API/v1/Topics/real", "real")]
    [InlineData("http://localhost/api/v1/topics/real", "real")]
    [InlineData("/zzz/api/v1/topics/a/../../../../../api/v1/topics/b", "b")]
    [InlineData("/api/v1/topics/%2e%2e/topics/b", "b")]
    [InlineData("/api/./v1/topics/a/../b", "b")]
    [InlineData("/api/v1/topics/a/b/..", "a/")]
    [InlineData("/api/v1/topics/api/v1/topics/wrong", "api/v1/topics/wrong")]
    [InlineData("/api/v1/topics/a%2Fb/c%252Fd", "a/b/c%2Fd")]
    [InlineData("/zzz/%2F/../../api/v1/topics/a%2fb", "a/b")]
    [InlineData("/api/v1/topics//a//", "/a//")]
    [InlineData("/api/v1/topics/..%2Fb", "../b")] // one segment to routing: a level of the topic
    public async Task Is_what_was_routed(string target, string topic)
    {
        await using var host = await ApiHost.StartAsync();
        var (status, body) = await PostAsync(host, target);
        Assert.True(status == 201, body);
        Assert.Equal(topic, JsonElement.Parse(body).GetProperty("topic").GetString());
        Assert.Equal(topic, Assert.Single(host.Log.Entries).Topic);
    }

    [Theory]
    [InlineData("/api/v1/topics/a%FF")]
    [InlineData("/api/v1/topics/a%2")]
    [InlineData("/api/v1/topics/a/../../topics/%zz")]
    [InlineData("/api/v1/topics/")]
    public async Task Is_none_where_it_cannot_be_read(string target)
    {
        await using var host = await ApiHost.StartAsync();
        var (status, body) = await PostAsync(host, target);
        Assert.Equal((400, "invalid_topic"), (status, JsonElement.Parse(body).GetProperty("code").GetString()));
        Assert.Empty(host.Log.Entries);
    }

    [Theory]
    [InlineData("/x/wrong", "real", "real")]
    [InlineData("/api/v1/topics/a%2Fb", "c", "c")]
    [InlineData("", "a/b", "a/b")]
    [InlineData("/api/v1/topics/a%2Fb", "c%2Fd", null)] // 'c/d', or 'c%2Fd': nobody can tell
    public void Is_the_routed_one_where_a_host_has_rewritten_the_path(string requestLine, string routed, string? topic)
    {
        var context = new DefaultHttpContext();
        context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget = requestLine;
        context.Request.RouteValues["topic"] = routed;
        var refusal = TopicPath.Read(context.Request, out var read);
        Assert.Equal(topic is null, refusal is not null);
        if (topic is not null) Assert.Equal(topic, read);
    }

    /// <summary>Over a plain socket: HTTP clients tidy paths up.</summary>
    private static async Task<(int Status, string Body)> PostAsync(ApiHost host, string target)
    {
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", host.Client.BaseAddress!.Port, TestContext.Current.CancellationToken);
        var request = $"POST {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 1\r\n\r\nx";
        await client.GetStream().WriteAsync(Encoding.ASCII.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream(), Encoding.UTF8);
        var answer = await reader.ReadToEndAsync(TestContext.Current.CancellationToken);
        return (int.Parse(answer.AsSpan(9, 3), provider: null), answer[(answer.IndexOf("\r\n\r\n", StringComparison.Ordinal) + 4)..]);
    }
}
