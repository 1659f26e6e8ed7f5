using System.Text.Json;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>What an operator's tools see of a real server.</summary>
public class TelemetryTests(PostgresCluster postgres)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task One_trace_leads_from_the_POST_through_the_append_to_the_dispatch()
    {
        await using var collector = await OtlpReceiver.StartAsync();
        await using var server = await ServerProcess.StartAsync(ExportTo(collector));
        await server.PublishAsync("traced/a", "one");

        var dispatch = await collector.Spans.FirstAsync(span => span.Name == "dispatch");
        var append = await ParentOfAsync(collector, dispatch, "append");
        var publish = await ParentOfAsync(collector, append, "publish");
        var post = await ParentOfAsync(collector, publish, "POST /api/v1/notifications");
        Assert.Equal("", post.Parent);
        Assert.DoesNotContain(collector.Spans.Items, span => span.Name.Contains("health", StringComparison.Ordinal));
        await collector.Metrics.FirstAsync(name => name == "notify.append.duration");
    }

    [Fact]
    public async Task The_dispatch_on_another_node_is_in_the_same_trace()
    {
        var database = postgres.ConnectionString(await postgres.CreateDatabaseAsync());
        await using var collector = await OtlpReceiver.StartAsync();
        await using var other = await OtlpReceiver.StartAsync();
        await using var publishing = await ServerProcess.StartAsync([.. ExportTo(collector), ("ConnectionStrings:Postgres", database)]);
        await using var following = await ServerProcess.StartAsync([.. ExportTo(other), ("ConnectionStrings:Postgres", database)]);

        // Now and then a node polls before the message comes, and knows of no trace then: that is not what is asked here.
        await Eventually.TrueAsync(
            async () =>
            {
                await publishing.PublishAsync("traced/a", "one");
                return other.Spans.Items.Any(span => span.Name == "dispatch");
            },
            "a dispatch on the node that did not publish");
        await ParentOfAsync(collector, other.Spans.Items.First(span => span.Name == "dispatch"), "append");
    }

    private static (string Name, string Value)[] ExportTo(OtlpReceiver collector) =>
    [
        ("OTEL_EXPORTER_OTLP_ENDPOINT", collector.Url.ToString()),
        ("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf"),
        ("OTEL_BSP_SCHEDULE_DELAY", "100"),
        ("OTEL_METRIC_EXPORT_INTERVAL", "200"),
    ];

    private static async Task<OtlpReceiver.Span> ParentOfAsync(OtlpReceiver collector, OtlpReceiver.Span child, string name)
    {
        var parent = await collector.Spans.FirstAsync(span => span.Id == child.Parent, Limit);
        Assert.Equal((child.Trace, name), (parent.Trace, parent.Name));
        return parent;
    }

    [Fact]
    public async Task A_collector_that_is_away_stops_neither_the_service_nor_its_end()
    {
        using var collector = new ReservedPort();
        await using var server = await ServerProcess.StartAsync(("OTEL_EXPORTER_OTLP_ENDPOINT", $"http://127.0.0.1:{collector}"));
        await server.PublishAsync("traced/a", "one");
        await server.TerminateAsync(Limit);
        Assert.Equal(0, server.ExitCode);
    }

    [Fact]
    public async Task With_the_json_formatter_every_line_of_the_log_is_a_JSON_object()
    {
        using var folder = new TempFolder();
        await using var server = ChildProcess.Start(
            "dotnet",
            [Repository.ServerDll, "--urls=http://127.0.0.1:0", "--Logging:Console:FormatterName=json"],
            folder.Path,
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Development", ["ASPNETCORE_URLS"] = null });
        await server.WaitForLineAsync(line => line.Contains("Application started", StringComparison.Ordinal));
        await server.SignalAsync("TERM");
        await server.WaitForExitAsync(Limit);
        Assert.All(server.Lines, line => Assert.Equal(JsonValueKind.String, JsonElement.Parse(line).GetProperty("Message").ValueKind));
    }
}
