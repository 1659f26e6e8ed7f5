using System.Text.Json;
using MessagePack;
using MessagePack.Formatters;

namespace Notify.Server.Hubs.Arguments;

/// <summary>Reads arguments of hub calls from MessagePack.</summary>
internal sealed class MessagePackArgumentResolver : IFormatterResolver
{
    public static readonly MessagePackArgumentResolver Instance = new();

    public IMessagePackFormatter<T>? GetFormatter<T>() => Cache<T>.Formatter;

    private static class Cache<T>
    {
        public static readonly IMessagePackFormatter<T>? Formatter = typeof(T).IsAssignableTo(typeof(IHubArgument))
            ? (IMessagePackFormatter<T>)Activator.CreateInstance(typeof(ArgumentFormatter<>).MakeGenericType(typeof(T).GetGenericArguments()))!
            : null;
    }

    private sealed class ArgumentFormatter<T> : IMessagePackFormatter<HubArgument<T>>
    {
        private static readonly ArgumentShape Shape = HubArgument<T>.Shape;

        public HubArgument<T> Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            if (!Shape.IsRecord) return new HubArgument<T>(ReadPlain(ref reader, options));
            var values = new object?[Shape.Members.Length];
            if (reader.TryReadNil()) return new HubArgument<T>((T)Shape.Create(values));
            if (reader.NextMessagePackType != MessagePackType.Map) throw UnboundArgumentException.NoObject(Shape);

            options.Security.DepthStep(ref reader);
            var seen = 0UL;
            for (var left = reader.ReadMapHeader(); left > 0; left--)
            {
                var name = NameOf(ref reader, options);
                if (!Shape.TryFind(name, out var member)) throw UnboundArgumentException.Unknown(Shape, name);
                if ((seen & (1UL << member.Index)) != 0) throw UnboundArgumentException.Twice(member);
                seen |= 1UL << member.Index;
                if (!reader.TryReadNil()) values[member.Index] = ReadValue(ref reader, member, options);
            }

            reader.Depth--;
            return new HubArgument<T>((T)Shape.Create(values));
        }

        public void Serialize(ref MessagePackWriter writer, HubArgument<T> value, MessagePackSerializerOptions options) =>
            throw new NotSupportedException("Arguments of hub calls are only read here.");

        private static T? ReadPlain(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            try
            {
                return MessagePackSerializer.Deserialize<T>(ref reader, options);
            }
            catch (Exception exception) when (CannotBeRead(exception))
            {
                throw UnboundArgumentException.NotA(ArgumentKinds.Of(typeof(T)));
            }
        }

        private static string NameOf(ref MessagePackReader reader, MessagePackSerializerOptions options)
        {
            if (reader.NextMessagePackType != MessagePackType.String) throw UnboundArgumentException.NoObject(Shape);
            try
            {
                return options.Resolver.GetFormatterWithVerify<string>().Deserialize(ref reader, options);
            }
            catch (MessagePackSerializationException)
            {
                throw UnboundArgumentException.Unknown(Shape, "?");
            }
        }

        private static object? ReadValue(ref MessagePackReader reader, ArgumentMember member, MessagePackSerializerOptions options)
        {
            var before = reader;
            try
            {
                return MessagePackSerializer.Deserialize(member.Type, ref reader, options);
            }
            catch (Exception exception) when (CannotBeRead(exception))
            {
                throw IsText(ref before, member) ? UnboundArgumentException.OfAnotherKind(member) : UnboundArgumentException.NotText(member);
            }
        }

        // JSON has neither NaN nor more levels than a reader takes; the writer in between says so in its own ways.
        private static bool CannotBeRead(Exception exception) =>
            exception is MessagePackSerializationException or JsonException or ArgumentException or InvalidOperationException
            or FormatException or OverflowException or EndOfStreamException;

        /// <summary>False when the value is of the member's kind and its text is the trouble.</summary>
        private static bool IsText(ref MessagePackReader reader, ArgumentMember member)
        {
            if (member.Type == typeof(string)) return reader.NextMessagePackType != MessagePackType.String;
            if (reader.NextMessagePackType != MessagePackType.Array || !member.Type.IsAssignableTo(typeof(IEnumerable<string>))) return true;
            for (var left = reader.ReadArrayHeader(); left > 0; left--)
            {
                if (reader.NextMessagePackType is not (MessagePackType.String or MessagePackType.Nil)) return true;
                reader.Skip();
            }

            return false;
        }
    }
}
