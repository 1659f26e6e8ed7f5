using System.Text.RegularExpressions;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>What the documentation and the dashboard name is what a running server says.</summary>
public partial class NamedMetricsTests
{
    private const string Guide = "docs/operations.md";
    private const string Dashboard = "deploy/grafana/dashboards/notify.json";

    [Fact]
    public async Task The_guide_lists_every_instrument_with_its_type_and_no_other()
    {
        var listed = TableRow().Matches(Read(Guide)).Select(row => $"{row.Groups["name"]} {row.Groups["type"]}");
        Assert.Equal((await ScrapeAsync()).Order(), listed.Order());
    }

    [Fact]
    public async Task The_dashboard_asks_only_for_instruments_that_exist()
    {
        var families = (await ScrapeAsync()).Select(instrument => instrument.Split(' ')).ToDictionary(parts => parts[0], parts => parts[1]);
        var asked = MetricName().Matches(Read(Dashboard)).Select(match => match.Value).Distinct().ToArray();
        Assert.NotEmpty(asked);
        Assert.All(asked, name => Assert.True(
            families.ContainsKey(name) || (HistogramSeries().Match(name) is { Success: true } series && families.GetValueOrDefault(series.Groups["family"].Value) == "histogram"),
            $"{Dashboard} asks for {name}, which is none of: {string.Join(", ", families.Keys.Order())}"));
    }

    // Histograms show at their first measurement, counters at once.
    private static async Task<string[]> ScrapeAsync()
    {
        await using var server = await ServerProcess.StartAsync();
        await server.PublishAsync("metrics/a", "one");
        using var answer = await server.Http.GetAsync(new Uri("metrics", UriKind.Relative), TestContext.Current.CancellationToken);
        var text = await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        return [.. TypeLine().Matches(text).Select(line => $"{line.Groups["name"]} {line.Groups["type"]}").Where(instrument => instrument.StartsWith("notify_", StringComparison.Ordinal))];
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
