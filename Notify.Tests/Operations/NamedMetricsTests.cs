using System.Diagnostics.Metrics;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Notify.Engine.Cluster;
using Notify.Engine.Delivery;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Engine.Observability;
using Notify.Engine.Presence;
using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Server;
using Notify.Server.Authentication;
using Notify.Server.Connections;
using Notify.Server.Hosting;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>What the documentation and the dashboard name is what a running server says.</summary>
public partial class NamedMetricsTests
{
    private const string Guide = "docs/operations.md";
    private const string Dashboard = "deploy/grafana/dashboards/notify.json";

    [Fact]
    public void The_guide_lists_every_instrument_with_its_type_and_no_other() => Assert.Equal(Made().Order(), Listed().Order());

    [Fact]
    public async Task A_running_server_says_them_by_the_names_of_the_guide()
    {
        await using var server = await ServerProcess.StartAsync();
        await server.PublishAsync("metrics/a", "one");
        using var answer = await server.Http.GetAsync(new Uri("metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        var said = TypeLine().Matches(text).Select(line => $"{line.Groups["name"]} {line.Groups["type"]}")
            .Where(instrument => instrument.StartsWith("notify_", StringComparison.Ordinal)).ToArray();
        Assert.Contains("notify_append_duration_seconds histogram", said);
        Assert.Empty(said.Except(Listed()));
    }

    [Fact]
    public void The_dashboard_asks_only_for_instruments_that_exist()
    {
        var types = Made().Select(instrument => instrument.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1]);
        var asked = MetricName().Matches(Read(Dashboard)).Select(match => match.Value).Distinct().ToArray();
        Assert.NotEmpty(asked);
        Assert.All(asked, name => Assert.True(
            types.ContainsKey(name)
                || (HistogramSeries().Match(name) is { Success: true } series && types.GetValueOrDefault(series.Groups["family"].Value) == "histogram"),
            $"{Dashboard} asks for {name}, which is none of: {string.Join(", ", types.Keys.Order())}"));
    }

    private static IEnumerable<string> Listed() => TableRow().Matches(Read(Guide)).Select(row => $"{row.Groups["name"]} {row.Groups["type"]}");

    // What the service makes, whether or not anything was counted yet, by Prometheus's names.
    private static List<string> Made()
    {
        using var folder = new TempFolder();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection([new("Notify:Storage:SqlitePath", folder.File("notify.db"))]);
        builder.AddProcess();
        builder.Services.AddNotify(builder.Configuration, builder.Environment);
        using var app = (IDisposable)builder.Build();
        var services = ((WebApplication)app).Services;
        var factory = services.GetRequiredService<IMeterFactory>(); // those of tests beside this one have others
        var made = new List<string>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, _) =>
            {
                if (instrument.Meter.Name == NotifyMetrics.MeterName && ReferenceEquals(instrument.Meter.Scope, factory)) made.Add(PrometheusName(instrument));
            },
        };
        listener.Start();
        services.GetRequiredService<Publisher>();
        services.GetRequiredService<TailMetrics>();
        services.GetRequiredService<ReplayMetrics>();
        services.GetRequiredService<SessionMetrics>();
        services.GetRequiredService<LinkMetrics>();
        services.GetRequiredService<AccessMetrics>();
        services.GetRequiredService<ConnectionMetrics>();
        services.GetRequiredService<NodeLeases>();
        services.GetRequiredService<PeopleMetrics>();
        services.GetRequiredService<PresenceMetrics>();
        return made;
    }

    private static string PrometheusName(Instrument instrument)
    {
        var type = instrument.GetType().Name;
        var name = instrument.Name.Replace('.', '_') + (instrument.Unit == "s" ? "_seconds" : "");
        return type.Contains("Counter", StringComparison.Ordinal) ? $"{name}_total counter"
            : type.Contains("Histogram", StringComparison.Ordinal) ? $"{name} histogram"
            : $"{name} gauge";
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(Repository.Root, file));

    [GeneratedRegex(@"^# TYPE (?<name>\S+) (?<type>\S+)$", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex TypeLine();

    [GeneratedRegex(@"^\| `(?<name>notify_\w+)` \| (?<type>\w+) \|", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex TableRow();

    [GeneratedRegex(@"\bnotify_\w+")]
    private static partial Regex MetricName();

    [GeneratedRegex(@"^(?<family>\w+)_(bucket|sum|count)$", RegexOptions.ExplicitCapture)]
    private static partial Regex HistogramSeries();
}
