using System.Globalization;
using System.Net.Sockets;
using System.Text;

/// <summary>
/// Loaded into a measured server by <c>DOTNET_STARTUP_HOOKS</c> (the runtime wants this name, in no namespace): tells
/// each connection how large the heap is after a full collection. So every server is asked in the same way, and none
/// has to know of it.
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
        using var listener = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        listener.Bind(new UnixDomainSocketEndPoint(path));
        listener.Listen();
        while (true)
        {
            using var asker = listener.Accept();
            for (var i = 0; i < 3; i++)
            {
                GC.Collect(GC.MaxGeneration, GCCollectionMode.Aggressive, blocking: true, compacting: true);
                GC.WaitForPendingFinalizers();
            }

            asker.Send(Encoding.ASCII.GetBytes(GC.GetTotalMemory(false).ToString(CultureInfo.InvariantCulture)));
        }
    }
}
