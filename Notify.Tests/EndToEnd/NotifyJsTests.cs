using System.Security.Cryptography;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>
/// notify-js: its own tests, which start real servers and browsers, and what is published and handed out of it. With
/// <c>NOTIFY_JS_LONG=1</c> they take their long form (docs/notify-js.md has its results).
/// </summary>
public sealed class NotifyJsTests(PostgresCluster postgres)
{
    private static readonly string Folder = Path.Combine(Repository.Root, "notify-js");
    private static readonly string Served = Path.Combine(Repository.Root, "Notify.Server", "Page");
    private static readonly TimeSpan Limit = Environment.GetEnvironmentVariable("NOTIFY_JS_LONG") is null ? TimeSpan.FromMinutes(10) : TimeSpan.FromHours(2);

    [Theory]
    [InlineData("unit")]
    [InlineData("server")]
    public Task Its_own_tests_pass(string project) => RunAsync(postgres, project);

    /// <summary>Runs one project of its tests.</summary>
    internal static async Task RunAsync(PostgresCluster postgres, string project)
    {
        await NodePackages.InstallAsync(Folder);
        if (project == "browser") await NodePackages.InstallAsync(Path.Combine(Repository.Root, "examples", "react"));
        string[] command = ["--expose-gc", "node_modules/vitest/vitest.mjs", "run", "--project", project];
        await ChildProcess.RunAsync("node", command, Folder, Limit, new Dictionary<string, string?>
        {
            ["NOTIFY_SERVER_DLL"] = Repository.ServerDll,
            ["NOTIFY_POSTGRES"] = postgres.ConnectionString(await postgres.CreateDatabaseAsync()),
            ["NOTIFY_SCREENSHOTS"] = Repository.TestResults,
            ["NO_COLOR"] = "1",
        });
    }

    [Fact]
    public async Task Building_again_gives_the_bytes_that_are_handed_out()
    {
        await NodePackages.InstallAsync(Folder);
        using var folder = new TempFolder();
        await ChildProcess.RunAsync("node", ["scripts/build.mjs", folder.Path], Folder, Limit);
        var built = Directory.GetFiles(folder.Path);
        Assert.NotEmpty(built);
        foreach (var file in built)
        {
            var name = Path.GetFileName(file);
            var (again, served) = (await HashAsync(file), await HashAsync(Path.Combine(Served, name)));
            Assert.True(again == served, $"{name} is not what its sources make: npm run bundle, in notify-js.");
        }
    }

    [Theory]
    [InlineData("types")]
    [InlineData("sizes")]
    [InlineData("check")]
    public async Task The_package_is_sound(string script)
    {
        await NodePackages.InstallAsync(Folder);
        await ChildProcess.RunAsync("npm", ["run", "--silent", script], Folder, Limit);
    }

    private static async Task<string> HashAsync(string file) =>
        Convert.ToHexString(SHA256.HashData(await File.ReadAllBytesAsync(file, TestContext.Current.CancellationToken)));
}

/// <summary>Those of its tests that start a browser: a class of their own, so that they run beside the others.</summary>
public sealed class NotifyJsBrowserTests(PostgresCluster postgres)
{
    [Fact]
    public Task Its_tests_in_a_browser_pass() => NotifyJsTests.RunAsync(postgres, "browser");
}
