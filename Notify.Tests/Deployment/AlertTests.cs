using System.Text.RegularExpressions;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Deployment;

/// <summary>Prometheus' own tool on its files in deploy/.</summary>
public partial class AlertTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "deploy");

    [Theory]
    [InlineData("check", "config", "prometheus.yml")]
    [InlineData("test", "rules", "alerts.test.yml")]
    public Task Promtool_takes(params string[] words) => ChildProcess.RunAsync("promtool", words, Folder, TimeSpan.FromSeconds(60));

    [Fact]
    public async Task Every_alarm_is_tested_and_asks_for_instruments_that_the_guide_lists()
    {
        var rules = await File.ReadAllTextAsync(Path.Combine(Folder, "alerts.yml"), TestContext.Current.CancellationToken);
        var tests = await File.ReadAllTextAsync(Path.Combine(Folder, "alerts.test.yml"), TestContext.Current.CancellationToken);
        var guide = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "operations.md"), TestContext.Current.CancellationToken);
        var alarms = Alarm().Matches(rules).Select(match => match.Groups["name"].Value).ToArray();
        Assert.NotEmpty(alarms);
        Assert.All(alarms, name => Assert.Matches($@"alertname: {name}\n *exp_alerts:.*\n? *.*exp_labels", tests));
        Assert.All(alarms, name => Assert.Contains($"| `{name}` |", guide, StringComparison.Ordinal));
        Assert.All(Instrument().Matches(rules).Select(match => match.Value), name => Assert.Contains($"`{name}`", guide, StringComparison.Ordinal));
    }

    [GeneratedRegex(@"alert: (?<name>\w+)", RegexOptions.ExplicitCapture)]
    private static partial Regex Alarm();

    [GeneratedRegex(@"\bnotify_[a-z_]+")]
    private static partial Regex Instrument();
}
