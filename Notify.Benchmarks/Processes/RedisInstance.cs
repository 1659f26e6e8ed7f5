using System.Globalization;
using System.Net.Sockets;

namespace Notify.Benchmarks.Processes;

/// <summary>A private Redis from the installed program: nothing saved, on the server's core, removed at the end.</summary>
internal sealed class RedisInstance : IAsyncDisposable
{
    private readonly TemporaryFolder _folder;
    private readonly ChildProcess _process;
    private readonly int _port;

    private RedisInstance(TemporaryFolder folder, int port, ChildProcess process) => (_folder, _port, _process) = (folder, port, process);

    public string ConnectionString => string.Create(CultureInfo.InvariantCulture, $"127.0.0.1:{_port}");
    public double CpuSeconds => CpuClock.OfProcess(_process.Id);

    public static async Task<RedisInstance> StartAsync()
    {
        var program = FindProgram();
        var folder = new TemporaryFolder("notify-bench-redis-");
        var port = FreePort.Take();
        var process = ChildProcess.Start("redis-server",
        [
            .. Cores.Pin(Cores.Server), program, "--port", port.ToString(CultureInfo.InvariantCulture), "--bind", "127.0.0.1",
            "--save", "", "--appendonly", "no", "--dir", folder.Path,
        ]);
        process.DrainOutput();
        var instance = new RedisInstance(folder, port, process);
        try
        {
            await instance.WaitAsync();
            return instance;
        }
        catch
        {
            await instance.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _process.DisposeAsync();
        _folder.Dispose();
    }

    private async Task WaitAsync()
    {
        for (var i = 0; i < 200; i++)
        {
            if (_process.HasExited) throw _process.Ended();
            if (await AnswersAsync()) return;
            await Task.Delay(25);
        }

        throw new TimeoutException("redis-server did not answer.");
    }

    private async Task<bool> AnswersAsync()
    {
        try
        {
            using var client = new TcpClient();
            await client.ConnectAsync("127.0.0.1", _port);
            await client.GetStream().WriteAsync("PING\r\n"u8.ToArray());
            return await client.GetStream().ReadAsync(new byte[16]) > 0;
        }
        catch (SocketException)
        {
            return false; // not listening yet
        }
    }

    private static string FindProgram() => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "redis-server")).FirstOrDefault(File.Exists)
        ?? throw new MissingProgramException("No redis-server was found in PATH. Install it (Debian: apt-get install redis-server), or measure with --link " +
            "notify.");
}
