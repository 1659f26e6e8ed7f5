using Notify.Tests.Fixtures;

namespace Notify.Tests.Hosting;

/// <summary>What a machine may lack: the service starts without it, or says in one sentence what to give it.</summary>
public class SurroundingsTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    // As another user, so that limits that count all of a user's processes count these alone.
    private static readonly string[] Stranger = ["setpriv", "--reuid=54321", "--regid=54321", "--clear-groups"];

    [Theory]
    [InlineData("a locale that is not there", "env", "LANG=xx_YY.UTF-8", "LC_ALL=xx_YY.UTF-8")]
    [InlineData("a locale with letters of its own", "env", "LC_ALL=tr_TR.UTF-8")]
    [InlineData("no home", "env", "-u", "HOME")]
    [InlineData("a home that is not there", "env", "HOME=/none")]
    [InlineData("a folder for temporary files that is not there", "env", "TMPDIR=/none")]
    [InlineData("a user without a name", "setpriv", "--reuid=54321", "--regid=54321", "--clear-groups")]
    public async Task It_starts_with(string what, params string[] prefix)
    {
        Assert.SkipUnless(prefix[0] != "setpriv" || Environment.UserName == "root", "Only root can become another user.");
        await StartsAsync(prefix, what);
    }

    [Fact]
    public async Task It_starts_on_a_root_that_is_read_only_without_a_folder_for_temporary_files()
    {
        using var folder = new TempFolder();

        // The program's own folder may be below the temporary one.
        await StartsAsync(
            ["bwrap", "--ro-bind", "/", "/", "--bind", folder.Path, "/mnt", "--dev", "/dev", "--proc", "/proc",
                "--tmpfs", "/tmp", "--ro-bind", Repository.Root, Repository.Root, "--remount-ro", "/tmp", "--chdir", "/mnt"],
            "a read-only root",
            "/mnt/notify.db");
    }

    [Fact]
    public async Task It_watches_no_files()
    {
        using var folder = Open();
        await using var server = ChildProcess.Start("dotnet", Arguments(folder.File("notify.db")), folder.Path, Development);
        await server.WaitForLineAsync(line => line.Contains("Now listening", StringComparison.Ordinal), Limit);
        Assert.DoesNotContain(Directory.GetFiles($"/proc/{server.Pid}/fd"), file =>
            new FileInfo(file).LinkTarget?.Contains("inotify", StringComparison.Ordinal) == true);
    }

    [Theory]
    [InlineData("prlimit --nofile=300", "ulimit -n")]
    [InlineData("prlimit --nproc=12", "ulimit -u")]
    public async Task It_says_what_limit_to_raise(string prefix, string expected)
    {
        Assert.SkipUnless(Environment.UserName == "root", "Only root can become another user.");
        using var folder = Open();
        await EndsWithAsync([.. Stranger, .. prefix.Split(' ')], folder, expected);
    }

    [Fact]
    public async Task It_says_that_its_folder_is_gone()
    {
        using var folder = Open();
        await EndsWithAsync(["bash", "-c", "mkdir gone && cd gone && rmdir ../gone && exec \"$@\"", "bash"], folder,
            "the folder that the service was started in is gone");
    }

    private static Dictionary<string, string?> Development => new() { ["ASPNETCORE_ENVIRONMENT"] = "Development", ["ASPNETCORE_URLS"] = null };

    private static string[] Arguments(string file) => [Repository.ServerDll, "--Urls=http://127.0.0.1:0", $"--Notify:Storage:SqlitePath={file}"];

    private static async Task StartsAsync(string[] prefix, string what, string? file = null)
    {
        using var folder = Open();
        await using var server =
            ChildProcess.Start(prefix[0], [.. prefix[1..], "dotnet", .. Arguments(file ?? folder.File("notify.db"))], folder.Path, Development);
        await server.WaitForLineAsync(line => line.Contains("The log is open", StringComparison.Ordinal), Limit);
        await server.WaitForLineAsync(line => line.Contains("Now listening", StringComparison.Ordinal), Limit);
        Assert.False(server.Lines.Any(line => line.Contains("xception", StringComparison.Ordinal)), $"With {what}: {string.Join('\n', server.Lines)}");
    }

    private static async Task EndsWithAsync(string[] prefix, TempFolder folder, string expected)
    {
        await using var server = ChildProcess.Start(prefix[0], [.. prefix[1..], "dotnet", .. Arguments(folder.File("notify.db"))], folder.Path, Development);
        await server.WaitForExitAsync(Limit);
        Assert.DoesNotContain(server.Lines, line => line.Contains("xception", StringComparison.Ordinal));
        Assert.Equal(1, server.ExitCode);
        Assert.Contains(expected, server.Lines[^1], StringComparison.OrdinalIgnoreCase);
    }

    private static TempFolder Open()
    {
        var folder = new TempFolder();
        if (!OperatingSystem.IsWindows()) File.SetUnixFileMode(folder.Path, (UnixFileMode)0x1FF);
        return folder;
    }
}
