using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

/// <summary>A Redis of the test's own, on a free port of the loopback, that it can kill, stop and start again.</summary>
internal sealed class RedisServer : IAsyncDisposable
{
    private static readonly string Program = Find()
        ?? throw new InvalidOperationException("These tests need redis-server in PATH: apt-get install redis-server.");

    private readonly TempFolder _folder = new();
    private readonly ReservedPort _port = new();
    private ChildProcess? _process;

    public int Port => _port.Number;

    public string ConnectionString => $"127.0.0.1:{_port}";

    public static async Task<RedisServer> StartAsync()
    {
        var redis = new RedisServer();
        await redis.RunAsync();
        return redis;
    }

    /// <summary>SIGKILL; its port answers nobody from now on.</summary>
    public Task KillAsync() => _process!.KillAsync();

    /// <summary>Starts it again on the same port after <see cref="KillAsync"/>.</summary>
    public Task RestartAsync() => RunAsync();

    /// <summary>Sends one command whose arguments are single words, such as <c>FLUSHALL</c>.</summary>
    public async Task CommandAsync(string command) => Assert.True(await AnswersAsync(command));

    /// <summary>SIGSTOP, or SIGCONT: a server that accepts and does not answer.</summary>
    public Task SignalAsync(string name) => _process!.SignalAsync(name);

    public async ValueTask DisposeAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        _port.Dispose();
        _folder.Dispose();
    }

    private async Task RunAsync()
    {
        if (_process is not null) await _process.DisposeAsync();
        string[] arguments =
            ["--port", _port.ToString(), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no", "--dir", _folder.Path];
        _process = ChildProcess.Start(Program, arguments, _folder.Path);
        await Eventually.TrueAsync(AnswersAsync, "the Redis of the test answers");
    }

    private async Task<bool> AnswersAsync()
    {
        Assert.False(_process!.HasExited, "redis-server ended:\n" + string.Join('\n', _process.Lines));
        try
        {
            return await AnswersAsync("PING");
        }
        catch (SocketException)
        {
            return false;
        }
    }

    private async Task<bool> AnswersAsync(string command)
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        using var client = new TcpClient();
        await client.ConnectAsync("127.0.0.1", Port, patience.Token);
        var stream = client.GetStream();
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes(command + "\r\n"), patience.Token);
        return await stream.ReadAsync(new byte[16], patience.Token) > 0;
    }

    private static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "")
        .Split(Path.PathSeparator).Select(folder => Path.Combine(folder, "redis-server")).FirstOrDefault(File.Exists);
}
