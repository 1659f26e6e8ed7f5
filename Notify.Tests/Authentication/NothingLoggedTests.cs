using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;
using Notify.Tests.Operations;

namespace Notify.Tests.Authentication;

/// <summary>No credential, no query and no value of a claim is in any line of the log, at any level, nor in a span or a metric.</summary>
public sealed class NothingLoggedTests
{
    private const string Marker = "mArKeR";

    [Fact]
    public async Task Credentials_and_claims_are_in_no_line_at_Trace()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var server = await ServerProcess.StartAsync(
            ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.ToString()), ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"), ("OTEL_BSP_SCHEDULE_DELAY", "100"),
                ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
            ("environment", "Production"), ("Notify:Auth:SigningKey", TestToken.Key), ("Logging:LogLevel:Default", "Trace"),
                ("Logging:LogLevel:Microsoft", "Trace"), ("Logging:LogLevel:Microsoft.AspNetCore", "Trace"));
        object claims = new { notify_subscribe = $"{Marker}/#", notify_publish = "#", notify_admin = true, iss = $"{Marker}-issuer", role = $"{Marker}-role" };
        var good = TestToken.Of($"{Marker}-user", claims);
        string[] bad =
        [
            TestToken.Of($"{Marker}-user", claims, key: new string('x', 40)), TestToken.Of($"{Marker}-user", claims, TimeSpan.FromHours(-1)),
                $"{Marker}.{Marker}.{Marker}", $"ntf_{Marker}",
            TestToken.Hmac($$"""{"alg":"HS256","kid":"a\nfail: forged\u001b[31m"}""", "{}", new string('x', 40)),
        ];

        using var made = await SendAsync(server, HttpMethod.Post, "api/v1/keys", good, new { name = "k", publish = new[] { "#" } });
        var key = JsonElement.Parse(await made.Content.ReadAsStringAsync()).GetProperty("key").GetString()!;
        foreach (var token in bad.Append(good).Append(key))
        {
            using var header = await SendAsync(server, HttpMethod.Get, "api/v1/users/me", token, null);
            using var list = await SendAsync(server, HttpMethod.Get, $"api/v1/notifications?filter={Marker}/a", token, null);
            using var misplaced = await SendAsync(server, HttpMethod.Get, $"api/v1/notifications?access_token={Uri.EscapeDataString(token)}", null, null);
            using var query =
                await SendAsync(server, HttpMethod.Get, $"api/v1/stream?filter={Marker}/a&access_token={Uri.EscapeDataString(token)}", null, null);
            var negotiation = $"hubs/notifications/negotiate?negotiateVersion=1&access_token={Uri.EscapeDataString(token)}";
            using var negotiate = await SendAsync(server, HttpMethod.Post, negotiation, null, null);
        }

        foreach (var messagePack in new[] { false, true })
        {
            await using var client = new StockFollower(server.Url, messagePack, query: $"?access_token={good}");
            await client.ResumeAsync(null, null);
            await client.InvokeAsync<JsonElement>("Reauthenticate", new Dictionary<string, object> { ["token"] = good });
            await Assert.ThrowsAnyAsync<Exception>(() =>
                client.InvokeAsync<JsonElement>("Reauthenticate", new Dictionary<string, object> { ["token"] = bad[0] }));
        }

        var metrics = await server.Http.GetStringAsync(new Uri("metrics", UriKind.Relative));
        await collector.Spans.FirstAsync(span => span.Name.Contains("Reauthenticate", StringComparison.Ordinal));
        await server.TerminateAsync(); // what it had to export is exported
        Assert.Contains(collector.Spans.Items, span => span.Name == "GET /api/v1/notifications");
        Assert.Contains("notify.credentials.rejected", collector.Metrics.Items);
        Assert.Contains(server.Output, line => line.Contains("dbug: ", StringComparison.Ordinal)); // it was Trace
        Assert.Contains(server.Output, line => line.Contains("Credential rejected (signature)", StringComparison.Ordinal));
        string[] secrets = [Marker, key, key[^72..], .. bad.Append(good).SelectMany(token => token.Split('.')).Where(part => part.Length > 20)];
        foreach (var line in server.Output.Append(metrics).Concat(collector.Raw.Items))
        {
            Assert.DoesNotContain(secrets, secret => line.Contains(secret, StringComparison.Ordinal));
        }

        Assert.DoesNotContain(server.Output, line =>
            line.StartsWith("fail: forged", StringComparison.Ordinal) || line.Contains('\u001b', StringComparison.Ordinal));
    }

    private static async Task<HttpResponseMessage> SendAsync(ServerProcess server, HttpMethod method, string path, string? bearer, object? body)
    {
        using var request = new HttpRequestMessage(method, new Uri(path, UriKind.Relative));
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null) request.Content = JsonContent.Create(body);
        return await server.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead);
    }
}
