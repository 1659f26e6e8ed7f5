using BenchmarkDotNet.Attributes;
using Notify.Engine.Delivery.Frames;
using Notify.Server.Wire;
using Notify.Storage.Log;

namespace Notify.Benchmarks.Micro;

/// <summary>Stored entries to the one frame that all their followers are written.</summary>
[MemoryDiagnoser]
public class FrameBenchmarks
{
    private LogEntry[] _entries = null!;

    [Params(1, 64)]
    public int Entries { get; set; }

    [GlobalSetup]
    public void Setup() => _entries = [.. Enumerable.Range(1, Entries).Select(version => new LogEntry
    {
        Version = version,
        Id = Guid.CreateVersion7(),
        Topic = "orders/eu/42",
        TopicSeq = version,
        PublishedAt = TimeProvider.System.GetUtcNow(),
        Content = System.Text.Encoding.UTF8.GetBytes($$"""{"body":"{{new string('x', 256)}}"}"""),
    })];

    [Benchmark]
    public int Json() => Encode(FrameEncoders.Json);

    [Benchmark]
    public int MessagePack() => Encode(FrameEncoders.MessagePack);

    // Entries of their own each time: they keep what they were encoded to.
    private int Encode(FrameEncoder format) =>
        new NotificationFrame([.. _entries.Select(entry => new DeliveryEntry(entry))]).For(format).Bytes.Length;
}
