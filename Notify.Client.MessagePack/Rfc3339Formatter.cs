using System.Globalization;
using MessagePack;
using MessagePack.Formatters;
using Notify.Contracts.Wire;

namespace Notify.Client.MessagePack;

/// <summary>Times as the same text that they are in JSON; MessagePack's own form for them would be an array.</summary>
internal sealed class Rfc3339Formatter : IMessagePackFormatter<DateTimeOffset>
{
    public void Serialize(ref MessagePackWriter writer, DateTimeOffset value, MessagePackSerializerOptions options) =>
        writer.Write(Rfc3339Converter.ToText(value));

    public DateTimeOffset Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
        DateTimeOffset.Parse(reader.ReadString() ?? "", CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind);
}
