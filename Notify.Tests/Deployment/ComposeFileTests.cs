using System.Text.Json;
using Notify.Server.Configuration;
using Notify.Tests.Fixtures;
using YamlDotNet.RepresentationModel;

namespace Notify.Tests.Deployment;

/// <summary>
/// The files of deploy/ that want a container engine or Grafana, which the tests have not: they are parsed, and what they name is there.
/// What has a tool here (nginx, promtool, systemd-analyze) is run by that, elsewhere.
/// </summary>
public sealed class ComposeFileTests
{
    private static readonly string Folder = Path.Combine(Repository.Root, "deploy");

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Compose_names_files_services_and_settings_that_exist()
    {
        var file = Parse("compose.yaml");
        var services = Map(file["services"]);
        foreach (var (name, service) in services)
        {
            Assert.Matches("^[a-z/]+(:[0-9a-z.-]+)?$", Text(service["image"]));
            foreach (var on in Names(service, "depends_on")) Assert.Contains(on, services.Keys);
            foreach (var volume in Items(service, "volumes"))
            {
                var source = volume.Split(':')[0];
                if (source.StartsWith("./", StringComparison.Ordinal)) Assert.True(Path.Exists(Path.Combine(Folder, source)), $"{name}: {source}");
                else Assert.Contains(source, Map(file["volumes"]).Keys);
            }
        }

        Assert.True(File.Exists(Path.Combine(Folder, "..", Text(services["node1"]["build"]["dockerfile"]))));
        var settings = NotifySettings.Describe().Select(setting => setting.Key.Replace(":", "__", StringComparison.Ordinal))
            .ToHashSet(StringComparer.OrdinalIgnoreCase);
        var given = Map(services["node1"]["environment"]).Keys.Where(key => key.StartsWith("Notify__", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(given);
        Assert.All(given, key => Assert.Contains(key, settings));

        // The same two nodes for everybody.
        var nginx = await File.ReadAllTextAsync(Path.Combine(Folder, "nginx.conf"), Cancel);
        var scraped = Items(Parse("prometheus.yml")["scrape_configs"][0]["static_configs"][0], "targets");
        Assert.Equal(["node1:5080", "node2:5080"], scraped);
        Assert.All(scraped, node =>
        {
            Assert.Contains($"server {node}", nginx, StringComparison.Ordinal);
            Assert.Contains(node.Split(':')[0], services.Keys);
        });
    }

    [Fact]
    public async Task Grafana_finds_the_dashboard_and_the_dashboard_its_data()
    {
        var mounts = Items(Map(Parse("compose.yaml")["services"])["grafana"], "volumes").Select(volume => volume.Split(':'))
            .ToDictionary(parts => parts[0], parts => parts[1]);
        Assert.Equal("/etc/grafana/provisioning", mounts["./grafana/provisioning"]);
        Assert.Equal(mounts["./grafana/dashboards"], Text(Parse("grafana/provisioning/dashboards/notify.yaml")["providers"][0]["options"]["path"]));
        var source = Parse("grafana/provisioning/datasources/prometheus.yaml")["datasources"][0];
        Assert.Equal("http://prometheus:9090", Text(source["url"]));
        var dashboard = JsonElement.Parse(await File.ReadAllTextAsync(Path.Combine(Folder, "grafana", "dashboards", "notify.json"), Cancel));
        var panels = dashboard.GetProperty("panels").EnumerateArray().Where(panel => panel.TryGetProperty("datasource", out _)).ToArray();
        Assert.NotEmpty(panels);
        Assert.All(panels, panel => Assert.Equal(Text(source["uid"]), panel.GetProperty("datasource").GetProperty("uid").GetString()));
    }

    [Theory]
    [InlineData("compose.yaml")]
    [InlineData("Dockerfile")]
    [InlineData("grafana/provisioning/dashboards/notify.yaml")]
    [InlineData("grafana/provisioning/datasources/prometheus.yaml")]
    public async Task What_is_not_run_here_says_so(string file) =>
        Assert.Contains("not run by the project's tests", await File.ReadAllTextAsync(Path.Combine(Folder, file), Cancel), StringComparison.Ordinal);

    private static YamlNode Parse(string file)
    {
        using var reader = new StreamReader(Path.Combine(Folder, file));
        var yaml = new YamlStream();
        yaml.Load(reader);
        return yaml.Documents.Single().RootNode;
    }

    private static string Text(YamlNode node) => ((YamlScalarNode)node).Value!;

    private static Dictionary<string, YamlNode> Map(YamlNode node) =>
        ((YamlMappingNode)node).Children.ToDictionary(child => Text(child.Key), child => child.Value);

    private static string[] Items(YamlNode node, string name) => Map(node).TryGetValue(name, out var items) ? [.. ((YamlSequenceNode)items).Select(Text)] : [];

    private static IEnumerable<string> Names(YamlNode node, string name) =>
        !Map(node).TryGetValue(name, out var named) ? [] : named is YamlSequenceNode list ? list.Select(Text) : Map(named).Keys;
}
