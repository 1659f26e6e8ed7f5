using System.Net;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace Notify.Tests.EndToEnd;

/// <summary>Requests that no HTTP client would send, to the real process: an answer or a closed connection, never 500, and alive.</summary>
public sealed class MalformedRequestTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private const string Post = "POST /api/v1/topics/raw HTTP/1.1\r\nHost: localhost\r\n";

    [Theory]
    [InlineData("nonsense\r\n\r\n", 400)]
    [InlineData("GET /api/v1/notifications HTTP/1.1\r\n\r\n", 400)] // no Host
    [InlineData("GET /api/v1/a\0b HTTP/1.1\r\nHost: localhost\r\n\r\n", 400)]
    [InlineData("POST /api/v1/topics/a%00b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", 400)]
    [InlineData("POST /api/v1/topics/a b HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", 400)]
    [InlineData(Post + "Content-Length: -3\r\n\r\n", 400)]
    [InlineData(Post + "X-Title: \u00ff\u00fe\r\nContent-Length: 1\r\n\r\nx", 400)] // Latin 1, which is not UTF-8
    [InlineData(Post + "Transfer-Encoding: chunked\r\n\r\nzz\r\nx", 400)]
    [InlineData("GET /api/v1/notifications?filter={20000} HTTP/1.1\r\nHost: localhost\r\n\r\n", 400)] // a filter is shorter
    [InlineData("GET /api/v1/notifications?filter={40000} HTTP/1.1\r\nHost: localhost\r\n\r\n", 414)]
    [InlineData("GET /api/v1/notifications HTTP/1.1\r\nHost: localhost\r\nX-Big: {40000}\r\n\r\n", 431)]
    [InlineData("TRACE /api/v1/notifications HTTP/1.1\r\nHost: localhost\r\n\r\n", 405)]
    [InlineData("OPTIONS * HTTP/1.1\r\nHost: localhost\r\n\r\n", 405)]
    [InlineData("POST http://elsewhere.example/api/v1/topics/raw HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1\r\n\r\nx", 400)] // two hosts
    public async Task Is_answered_and_hurts_no_other_request(string request, int status)
    {
        request = request.Replace("{20000}", new string('a', 20_000), StringComparison.Ordinal)
            .Replace("{40000}", new string('a', 40_000), StringComparison.Ordinal);
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, fixture.Url.Port, TestContext.Current.CancellationToken);
        await client.GetStream().WriteAsync(Encoding.Latin1.GetBytes(request), TestContext.Current.CancellationToken);
        using var reader = new StreamReader(client.GetStream(), Encoding.Latin1);
        Assert.StartsWith($"HTTP/1.1 {status} ", await reader.ReadLineAsync(TestContext.Current.CancellationToken), StringComparison.Ordinal);
        await fixture.Server.PublishAsync("raw/after", "alive");
    }

    [Theory]
    [InlineData("/topics/backups")] // /api/v1 forgotten
    [InlineData("/api/v2/notifications")]
    [InlineData("/api/v1/nothing")]
    public async Task A_path_that_is_none_says_where_the_calls_are(string path)
    {
        using var text = new StringContent("Backup done");
        using var answer = await fixture.Server.Http.PostAsync(new Uri(path, UriKind.Relative), text, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType));
        var problem = JsonElement.Parse(await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
        Assert.Equal("not_found", problem.GetProperty("code").GetString());
        Assert.Contains("/api/v1", problem.GetProperty("detail").GetString(), StringComparison.Ordinal);
    }
}
