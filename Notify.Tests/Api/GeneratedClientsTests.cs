using Notify.Tests.Fixtures;

namespace Notify.Tests.Api;

/// <summary>
/// Linters and generators of clients on <c>docs/openapi.json</c>, and the clients on a service: <c>NOTIFY_OPENAPI=long</c>, since they
/// need some hundreds of packages. docs/api.md has the results.
/// </summary>
public sealed class GeneratedClientsTests
{
    [Fact]
    public async Task Linters_find_nothing_and_generated_clients_compile_and_work()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("NOTIFY_OPENAPI") == "long", "Only with NOTIFY_OPENAPI=long.");
        using var folder = new TempFolder();
        await using var server = await ServerProcess.StartAsync();
        string[] arguments = [Path.Combine(Repository.Root, "tools", "openapi", "run.sh"), server.Url.GetLeftPart(UriPartial.Authority), folder.Path];
        var lines = await ChildProcess.RunAsync("bash", arguments, folder.Path, TimeSpan.FromMinutes(20), new Dictionary<string, string?>
        {
            ["MSBUILDDISABLENODEREUSE"] = "1",
            ["UseSharedCompilation"] = "false",
        });
        Assert.Superset(
            new HashSet<string>
            {
                "Redocly: no error, no warning",
                "Spectral: no error, no warning, no hint",
                "openapi-typescript with openapi-fetch: used",
                "hey-api: used",
                "Kiota: used",
            },
            lines.ToHashSet());
    }
}
