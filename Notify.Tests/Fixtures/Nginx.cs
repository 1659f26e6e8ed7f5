using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

/// <summary>A real nginx with a configuration of the test's own, without privileges, in a folder that goes with it.</summary>
internal sealed class Nginx : IAsyncDisposable
{
    private static readonly string[] Folders =
        ["/usr/sbin", "/usr/local/sbin", .. (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)];

    private readonly ChildProcess _process;

    private Nginx(ChildProcess process) => _process = process;

    /// <summary>What it complained about so far.</summary>
    public IReadOnlyList<string> Lines => _process.Lines;

    /// <param name="folder">Its prefix; what the configuration names is found there.</param>
    /// <param name="http">What is inside <c>http { }</c>.</param>
    /// <param name="port">Where that listens.</param>
    public static async Task<Nginx> StartAsync(TempFolder folder, string http, int port)
    {
        await File.WriteAllTextAsync(folder.File("nginx.conf"), $$"""
            daemon off;
            master_process off;
            pid nginx.pid;
            error_log stderr warn;
            events { worker_connections 512; }
            http {
            access_log off;
            client_body_temp_path body;
            proxy_temp_path proxy;
            fastcgi_temp_path fastcgi;
            uwsgi_temp_path uwsgi;
            scgi_temp_path scgi;
            {{http}}
            }
            """);
        string[] command = [Executable(), "-p", folder.Path, "-c", "nginx.conf", "-e", "stderr"];
        if (Environment.UserName == "root")
        {
            await ChildProcess.RunAsync("chown", ["-R", "nobody", folder.Path], folder.Path, TimeSpan.FromSeconds(10));
            command = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups", .. command];
        }

        var nginx = new Nginx(ChildProcess.Start(command[0], command[1..], folder.Path));
        try
        {
            await Eventually.SucceedsAsync<bool, SocketException>(
                async () =>
                {
                    Assert.False(nginx._process.HasExited, string.Join('\n', nginx.Lines));
                    using var client = new TcpClient();
                    await client.ConnectAsync(IPAddress.Loopback, port);
                    return true;
                },
                "nginx listens");
            return nginx;
        }
        catch
        {
            await nginx.DisposeAsync();
            throw;
        }
    }

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static string Executable() =>
        Folders.Select(folder => Path.Combine(folder, "nginx")).FirstOrDefault(File.Exists)
        ?? throw new InvalidOperationException("This test needs nginx: apt-get install nginx.");
}
