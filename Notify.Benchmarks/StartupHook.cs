using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using Notify.Benchmarks.Processes;

/// <summary>
/// Loaded into a measured server by <c>DOTNET_STARTUP_HOOKS</c> (the runtime wants this name, in no namespace): answers
/// what is asked of the process itself. So every server is asked in the same way, and none has to know of it.
/// </summary>
internal static class StartupHook
{
    public const string SocketVariable = "NOTIFY_BENCHMARK_PROBE";

    public static void Initialize()
    {
        if (Environment.GetEnvironmentVariable(SocketVariable) is not { Length: > 0 } path) return;
        new Thread(() => Answer(path)) { IsBackground = true, Name = "benchmark probe" }.Start();
    }

    private static void Answer(string path)
    {
        PauseListener? pauses = null;
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        var question = new byte[1];
        while (true)
        {
            using var asker = listener.Accept();
            asker.Receive(question);
            var answer = question[0] == Probe.Heap ? JsonSerializer.Serialize(HeapBytes()) : JsonSerializer.Serialize((pauses ??= new PauseListener()).Take());
            asker.Send(Encoding.UTF8.GetBytes(answer));
        }
    }

    private static long HeapBytes()
    {
        for (var i = 0; i < 3; i++)
        {
            GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
            GC.WaitForPendingFinalizers();
        }

        return GC.GetTotalMemory(false);
    }
}
