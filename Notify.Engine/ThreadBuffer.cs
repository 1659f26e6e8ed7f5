using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Notify.Engine;

/// <summary>A buffer of the thread, for bytes that are copied to where they stay: nothing is allocated for it, nor for the JSON in it.</summary>
internal readonly struct ThreadBuffer : IDisposable
{
    private const int InitialBytes = 1024;
    private const int KeptBytes = 256 * 1024; // what a rare large one grew is not kept

    private static readonly JsonWriterOptions JsonOptions = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, // JSON only, never pasted into HTML by us; half the bytes of the default
        SkipValidation = true,
    };

    // Two: what is written into one may need another.
    [ThreadStatic]
    private static Kept? _kept;

    [ThreadStatic]
    private static Kept? _other;

    private readonly Kept _taken;

    private ThreadBuffer(Kept taken) => _taken = taken;

    public ArrayBufferWriter<byte> Writer => _taken.Bytes;

    /// <summary>Writes JSON into it. Flush it before the bytes are read.</summary>
    public Utf8JsonWriter Json => _taken.Json ??= new Utf8JsonWriter(_taken.Bytes, JsonOptions);

    /// <summary>An empty one. Give it back by disposing of it, on the same thread: before any await.</summary>
    public static ThreadBuffer Take()
    {
        var taken = _kept ?? _other ?? new Kept();
        if (_kept is not null) _kept = null;
        else _other = null;
        taken.Bytes.ResetWrittenCount();
        taken.Json?.Reset();
        return new ThreadBuffer(taken);
    }

    public void Dispose()
    {
        if (Writer.Capacity > KeptBytes) return;
        if (_kept is null) _kept = _taken;
        else _other = _taken;
    }

    private sealed class Kept
    {
        public ArrayBufferWriter<byte> Bytes { get; } = new(InitialBytes);

        public Utf8JsonWriter? Json { get; set; }
    }
}
