using System.Globalization;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Deployment;

/// <summary>deploy/notify.service, without a systemd that runs: its syntax by systemd's own tool, what it forbids by the kernel.</summary>
public sealed class SystemdUnitTests(PublishedServer published, PostgresCluster postgres) : IClassFixture<PublishedServer>
{
    private const int ExposureLimit = 20; // tenths; systemd calls up to 2.0 "OK"

    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);
    private static readonly string Text = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "notify.service"));

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Systemd_takes_every_line_of_it()
    {
        using var folder = new TempFolder();
        var file = folder.File("notify.service");
        await File.WriteAllTextAsync(file, Text.Replace("/usr/bin/dotnet", "/bin/true", StringComparison.Ordinal), Cancel); // wherever it is on this machine
        Assert.Empty(await ChildProcess.RunAsync("systemd-analyze", ["verify", "--man=no", file], folder.Path, Limit));
        await ChildProcess.RunAsync("systemd-analyze",
            ["security", "--offline=true", "--no-pager", $"--threshold={ExposureLimit.ToString(CultureInfo.InvariantCulture)}", file], folder.Path, Limit);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_published_program_runs_with_what_the_unit_leaves_it(bool onPostgres)
    {
        using var folder = new TempFolder();
        await using var server = await ServerProcess.StartAsync(
            new Launch(await SandboxAsync(new SystemdUnit(Text), folder), "/opt/notify/Notify.Server.dll"),
            [
                ("environment", "Production"),
                .. Variables(),
                ("Notify:Storage:SqlitePath", "/var/lib/notify/notify.db"),
                .. onPostgres
                    ? [("ConnectionStrings:Postgres", postgres.ConnectionString(await postgres.CreateDatabaseAsync())
                    .Replace("127.0.0.1", "localhost", StringComparison.Ordinal))] : Array.Empty<(string, string)>(),
            ]);
        await using var follower = new StockFollower(server.Url);
        await follower.ResumeAsync(null, null, "unit/#");
        await server.PublishAsync("unit/a", "under the filter");
        await follower.Received.FirstAsync(n => n.Body == "under the filter", Limit);
        using var metrics = await server.Http.GetAsync(new Uri("metrics", UriKind.Relative), Cancel);
        Assert.True(metrics.IsSuccessStatusCode);
        if (!onPostgres) Assert.True(File.Exists(Path.Combine(folder.Path, "state", "notify.db")));
    }

    [Fact]
    public async Task What_the_filter_forbids_is_killed()
    {
        using var folder = new TempFolder();
        var sandbox = await SandboxAsync(new SystemdUnit(Text), folder);
        await using var child = ChildProcess.Start(sandbox[0], [.. sandbox.Skip(1), "chroot", "/", "true"], folder.Path);
        await child.WaitForExitAsync(Limit);
        Assert.Equal(128 + 31, child.ExitCode); // SIGSYS, as bwrap hands it on
    }

    // What notify.env sets and a test does not set itself.
    private static IEnumerable<(string Name, string Value)> Variables() =>
        from line in File.ReadAllLines(Path.Combine(Repository.Root, "deploy", "notify.env"))
        where line.Contains('=', StringComparison.Ordinal) && !line.StartsWith('#')
        let setting = line.Split('=', 2)
        where setting[0] is not ("ASPNETCORE_ENVIRONMENT" or "ASPNETCORE_URLS" or "ConnectionStrings__Postgres" or "Notify__Storage__SqlitePath")
        select (setting[0].Replace("ASPNETCORE_FORWARDEDHEADERS_ENABLED", "ForwardedHeaders_Enabled", StringComparison.Ordinal)
            .Replace("__", ":", StringComparison.Ordinal), setting[1]);

    // The unit's lines about files, users and rights in bubblewrap's words; about system calls as the filter that systemd would load.
    private async Task<string[]> SandboxAsync(SystemdUnit unit, TempFolder folder)
    {
        Assert.Equal("strict", unit.Single("ProtectSystem"));
        Assert.True(unit.IsOn("PrivateTmp") && unit.IsOn("PrivateDevices") && unit.IsOn("ProtectHome") && unit.IsOn("NoNewPrivileges"));
        Assert.Equal("", unit.Single("CapabilityBoundingSet"));
        Assert.Equal("/var/lib/" + unit.Single("StateDirectory"), unit.Single("WorkingDirectory"));
        Assert.EndsWith("/dotnet /opt/notify/Notify.Server.dll", unit.Single("ExecStart"), StringComparison.Ordinal);
        await SystemCallFilter.WriteAsync(unit, folder.File("filter.bpf"));
        var state = Directory.CreateDirectory(folder.File("state")).FullName;
        return
        [
            "bash", "-c", $"umask {unit.Single("UMask")}; ulimit -n {unit.Single("LimitNOFILE")} || true; exec 9< '{folder.File("filter.bpf")}'; exec bwrap " +
                "\"$@\"", "bwrap",
            "--ro-bind", "/", "/",
            "--tmpfs", "/opt", "--ro-bind", published.App, "/opt/notify",
            "--tmpfs", "/var/lib", "--bind", state, unit.Single("WorkingDirectory"),
            "--tmpfs", "/tmp", "--tmpfs", "/var/tmp", "--tmpfs", "/home", "--tmpfs", "/root",
            "--dev", "/dev", "--proc", "/proc",
            "--unshare-user", "--uid", "999", "--gid", "999", "--cap-drop", "ALL",
            "--setenv", "HOME", unit.Single("WorkingDirectory"), "--chdir", unit.Single("WorkingDirectory"),
            "--die-with-parent", "--seccomp", "9",
        ];
    }
}
