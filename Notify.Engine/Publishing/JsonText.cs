using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Notify.Engine.Publishing;

/// <summary>A JSON string of the request, still as it was sent: read into a <see cref="string"/> only where a rule needs one.</summary>
/// <param name="token">The string with its quotes, known to have no unpaired surrogate.</param>
/// <param name="escaped">Whether it has escapes.</param>
internal readonly ref struct JsonText(ReadOnlySpan<byte> token, bool escaped)
{
    private readonly ReadOnlySpan<byte> _token = token;
    private readonly bool _escaped = escaped;

    public bool IsPresent => !_token.IsEmpty;

    public override string ToString()
    {
        if (!_escaped) return Encoding.UTF8.GetString(_token[1..^1]);
        var reader = new Utf8JsonReader(_token);
        reader.Read();
        return reader.GetString()!;
    }

    /// <summary>Writes the member when there is one; escapes become characters again, as far as the encoder allows.</summary>
    public void WriteTo(Utf8JsonWriter writer, JsonEncodedText member)
    {
        if (!IsPresent) return;
        if (!_escaped)
        {
            writer.WriteString(member, _token[1..^1]);
            return;
        }

        var buffer = ArrayPool<byte>.Shared.Rent(_token.Length);
        var reader = new Utf8JsonReader(_token);
        reader.Read();
        writer.WriteString(member, buffer.AsSpan(0, reader.CopyString(buffer)));
        ArrayPool<byte>.Shared.Return(buffer);
    }
}
