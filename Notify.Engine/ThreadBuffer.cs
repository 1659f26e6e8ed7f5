using System.Buffers;

namespace Notify.Engine;

/// <summary>A buffer of the thread, for bytes that are copied to where they stay: nothing is allocated for it.</summary>
internal readonly struct ThreadBuffer : IDisposable
{
    private const int InitialBytes = 1024;
    private const int KeptBytes = 256 * 1024; // what a rare large one grew is not kept

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? _kept;

    private ThreadBuffer(ArrayBufferWriter<byte> writer) => Writer = writer;

    public ArrayBufferWriter<byte> Writer { get; }

    /// <summary>An empty one. Give it back by disposing of it, on the same thread: before any await.</summary>
    public static ThreadBuffer Take()
    {
        var writer = _kept ?? new ArrayBufferWriter<byte>(InitialBytes);
        _kept = null;
        writer.ResetWrittenCount();
        return new ThreadBuffer(writer);
    }

    public void Dispose()
    {
        if (Writer.Capacity <= KeptBytes) _kept = Writer;
    }
}
