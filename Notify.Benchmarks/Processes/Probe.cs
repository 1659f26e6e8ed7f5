using System.Diagnostics.Tracing;
using System.Net.Sockets;
using System.Text.Json;

namespace Notify.Benchmarks.Processes;

/// <summary>What a measured server says of its own memory: see <see cref="StartupHook"/>.</summary>
internal sealed class Probe : IDisposable
{
    public const byte Heap = (byte)'h';
    public const byte Pauses = (byte)'p';

    private readonly TemporaryFolder _folder = new("notify-bench-probe-");

    public string SocketPath => Path.Combine(_folder.Path, "probe.sock");

    /// <summary>The heap after a full collection, bytes.</summary>
    public Task<long> HeapBytesAsync() => AskAsync<long>(Heap);

    /// <summary>The collector's pauses since it was asked last; they are listened to from the first time on.</summary>
    public Task<PauseReport> PausesAsync() => AskAsync<PauseReport>(Pauses);

    public void Dispose() => _folder.Dispose();

    private async Task<T> AskAsync<T>(byte question)
    {
        using var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        await socket.ConnectAsync(new UnixDomainSocketEndPoint(SocketPath));
        await socket.SendAsync(new[] { question });
        var answer = new byte[512];
        var length = await socket.ReceiveAsync(answer);
        return JsonSerializer.Deserialize<T>(answer.AsSpan(0, length))!;
    }
}

/// <summary>What the collector did since it was asked last.</summary>
/// <param name="Count">Pauses.</param>
/// <param name="TotalMilliseconds">Their sum.</param>
/// <param name="LongestMilliseconds">The longest.</param>
/// <param name="AllocatedBytes">Allocated by the process.</param>
/// <param name="Full">Collections of the oldest generation.</param>
internal sealed record PauseReport(int Count, double TotalMilliseconds, double LongestMilliseconds, long AllocatedBytes, int Full);

/// <summary>Adds up the collector's pauses, by the runtime's own events.</summary>
internal sealed class PauseListener : EventListener
{
    private const EventKeywords Collections = (EventKeywords)0x1;
    private const int SuspendBegins = 9;
    private const int RestartEnds = 3;

    private readonly Lock _gate = new();
    private DateTime? _since;
    private int _count;
    private double _total;
    private double _longest;
    private long _allocated;
    private int _full;

    public PauseReport Take()
    {
        lock (_gate)
        {
            var (allocated, full) = (GC.GetTotalAllocatedBytes(), GC.CollectionCount(2));
            var report = new PauseReport(_count, _total, _longest, allocated - _allocated, full - _full);
            (_count, _total, _longest, _allocated, _full) = (0, 0, 0, allocated, full);
            return report;
        }
    }

    protected override void OnEventSourceCreated(EventSource eventSource)
    {
        if (eventSource.Name == "Microsoft-Windows-DotNETRuntime") EnableEvents(eventSource, EventLevel.Informational, Collections);
    }

    protected override void OnEventWritten(EventWrittenEventArgs eventData)
    {
        if (_gate is null) return; // the base constructor's own events come before the fields
        lock (_gate)
        {
            if (eventData.EventId == SuspendBegins) _since = eventData.TimeStamp;
            if (eventData.EventId != RestartEnds || _since is not { } since) return;
            var pause = (eventData.TimeStamp - since).TotalMilliseconds;
            _since = null;
            _count++;
            _total += pause;
            _longest = Math.Max(_longest, pause);
        }
    }
}
