using System.Text.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Deployment;

/// <summary><c>examples/aspire</c>: what the app host says of the service, in the manifest that it publishes. No container is started.</summary>
public sealed class AspireTests
{
    [Fact]
    public async Task An_app_host_gives_the_service_its_settings_and_its_address_to_those_who_refer_to_it()
    {
        using var folder = new TempFolder();
        await ChildProcess.RunAsync("dotnet", [Repository.AspireHostDll, "--publisher", "manifest", "--output-path", folder.File("manifest.json")],
            folder.Path, TimeSpan.FromSeconds(60));
        using var manifest = JsonDocument.Parse(await File.ReadAllBytesAsync(folder.File("manifest.json"), TestContext.Current.CancellationToken));
        var resources = manifest.RootElement.GetProperty("resources");

        var notify = resources.GetProperty("notify");
        var settings = Settings(notify);
        Assert.Equal("{notifications.connectionString}", settings["ConnectionStrings__Postgres"]);
        Assert.Equal("{cache.connectionString}", settings["ConnectionStrings__Redis"]);
        Assert.Equal("{notify-key.value}", settings["Notify__Auth__SigningKey"]);
        Assert.DoesNotContain("Notify__Auth__AllowAnonymous", settings.Keys);
        Assert.Equal("{notify.bindings.http.url}", Settings(resources.GetProperty("shop"))["ConnectionStrings__notify"]
            .Replace("{notify.connectionString}", notify.GetProperty("connectionString").GetString(), StringComparison.Ordinal));

        var scratch = resources.GetProperty("scratch");
        Assert.Equal("true", Settings(scratch)["Notify__Auth__AllowAnonymous"]);
        Assert.DoesNotContain(Settings(scratch).Keys, name => name.StartsWith("ConnectionStrings__", StringComparison.Ordinal));

        // The image is the Dockerfile's: its port, and its volume.
        var image = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "deploy", "Dockerfile"), TestContext.Current.CancellationToken);
        Assert.Contains("docker build -f deploy/Dockerfile -t notify .", image, StringComparison.Ordinal);
        Assert.Equal("notify:latest", notify.GetProperty("image").GetString());
        var port = notify.GetProperty("bindings").GetProperty("http").GetProperty("targetPort").GetInt32();
        Assert.Contains($"\nEXPOSE {port}\n", image, StringComparison.Ordinal);
        Assert.Contains($"\nVOLUME {scratch.GetProperty("volumes")[0].GetProperty("target").GetString()}\n", image, StringComparison.Ordinal);
    }

    [Fact]
    public void The_pages_print_the_example()
    {
        var program = File.ReadAllText(Path.Combine(Repository.Root, "examples", "aspire", "Program.cs"));
        Assert.Contains(FreshFolder.Printed("docs", "embedding.md")[1], program, StringComparison.Ordinal);
        Assert.Contains(FreshFolder.Printed("Notify.Aspire.Hosting", "README.md")[0], program, StringComparison.Ordinal);
    }

    private static Dictionary<string, string> Settings(JsonElement resource) =>
        resource.GetProperty("env").EnumerateObject().ToDictionary(setting => setting.Name, setting => setting.Value.GetString()!);
}
