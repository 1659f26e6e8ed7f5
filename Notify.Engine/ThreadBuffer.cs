using System.Buffers;

namespace Notify.Engine;

/// <summary>A buffer of the thread, for bytes that are copied to where they stay: nothing is allocated for it.</summary>
internal readonly struct ThreadBuffer : IDisposable
{
    private const int InitialBytes = 1024;
    private const int KeptBytes = 256 * 1024; // what a rare large one grew is not kept

    // Two: what is written into one may need another.
    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _kept;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _other;

    private ThreadBuffer(ArrayBufferWriter<byte> writer) => Writer = writer;

    public ArrayBufferWriter<byte> Writer { get; }

    /// <summary>An empty one. Give it back by disposing of it, on the same thread: before any await.</summary>
    public static ThreadBuffer Take()
    {
        var writer = _kept ?? _other ?? new ArrayBufferWriter<byte>(InitialBytes);
        if (_kept is not null) _kept = null;
        else _other = null;
        writer.ResetWrittenCount();
        return new ThreadBuffer(writer);
    }

    public void Dispose()
    {
        if (Writer.Capacity > KeptBytes) return;
        if (_kept is null) _kept = Writer;
        else _other = Writer;
    }
}
