using System.Text.Json.Nodes;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults.Checking;

/// <summary>The inbox's checker on a real service: green as it is, red when the service's answers are damaged on their way.</summary>
public sealed class InboxCheckerTests
{
    public static TheoryData<string, string?> Damages => new()
    {
        { "none", null },
        { "one too many counted", "are not those of the list" },
        { "one not listed", "are not those of the list" },
        { "oldest first", "not newest first" },
        { "one listed twice", "not newest first" },
        { "marks that do nothing", "is unread although everything was marked read" },
        { "two nodes that count differently", "nodes count" },
    };

    [Theory]
    [MemberData(nameof(Damages))]
    public async Task It_finds(string damage, string? expected)
    {
        await using var server = await ServerProcess.StartAsync();
        using var sound = new HttpClient { BaseAddress = server.Url };
        using var damaging = new DamagingHandler(damage) { InnerHandler = new SocketsHttpHandler() };
        using var damaged = new HttpClient(damaging) { BaseAddress = server.Url };
        var checker = new InboxChecker("run", () => damage.StartsWith("two", StringComparison.Ordinal) ? [sound, damaged] : [damaged]);
        await checker.BeginAsync();
        for (var i = 0; i < 30; i++) await server.PublishAsync($"run/{i % 3}", "x");

        var findings = await checker.CheckAsync();
        if (expected is null) Assert.Empty(findings);
        else Assert.Contains(findings, finding => finding.ToString().Contains(expected, StringComparison.Ordinal));
    }

    private sealed class DamagingHandler(string damage) : DelegatingHandler
    {
        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            if (damage == "marks that do nothing" && request.Method == HttpMethod.Post && IsMark(request.RequestUri!)) return new HttpResponseMessage();
            var response = await base.SendAsync(request, cancellationToken);
            if (request.Method != HttpMethod.Get) return response;
            var answer = (JsonObject)JsonNode.Parse(await response.Content.ReadAsStringAsync(cancellationToken))!;
            if (answer["items"] is JsonArray { Count: > 1 } items) Damage((JsonObject)answer["summary"]!, items);
            response.Content = new StringContent(answer.ToJsonString());
            response.Content.Headers.ContentType = new("application/json");
            return response;
        }

        private static bool IsMark(Uri address) => address.AbsolutePath.Contains("/inbox/", StringComparison.Ordinal);

        private void Damage(JsonObject summary, JsonArray items)
        {
            switch (damage)
            {
                case "one too many counted" or "two nodes that count differently":
                    summary["unread"] = summary["unread"]!.GetValue<long>() + 1;
                    break;
                case "one not listed":
                    items.RemoveAt(1);
                    break;
                case "oldest first":
                    var first = items[0];
                    items.RemoveAt(0);
                    items.Add(first);
                    break;
                case "one listed twice":
                    items[1] = items[0]!.DeepClone();
                    break;
            }
        }
    }
}
