using System.Text.Json;
using System.Text.Json.Serialization;
using Notify.Contracts.Wire;

namespace Notify.Server.Hubs.Arguments;

/// <summary>Reads arguments of hub calls from JSON.</summary>
internal sealed class JsonArgumentConverter : JsonConverterFactory
{
    public override bool CanConvert(Type typeToConvert) => typeToConvert.IsAssignableTo(typeof(IHubArgument));

    public override JsonConverter CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter)Activator.CreateInstance(typeof(Converter<>).MakeGenericType(typeToConvert.GetGenericArguments()))!;

    private sealed class Converter<T> : JsonConverter<HubArgument<T>>
    {
        private static readonly ArgumentShape Shape = HubArgument<T>.Shape;

        /// <summary>Null is an object with nothing in it.</summary>
        public override bool HandleNull => true;

        public override HubArgument<T> Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
        {
            if (!Shape.IsRecord) return new HubArgument<T>(ReadPlain(ref reader));
            var values = new object?[Shape.Members.Length];
            if (reader.TokenType == JsonTokenType.Null) return new HubArgument<T>((T)Shape.Create(values));
            if (reader.TokenType != JsonTokenType.StartObject) throw UnboundArgumentException.NoObject(Shape);

            var seen = 0UL;
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = NameOf(ref reader);
                if (!Shape.TryFind(name, out var member)) throw UnboundArgumentException.Unknown(Shape, name);
                if ((seen & (1UL << member.Index)) != 0) throw UnboundArgumentException.Twice(member);
                seen |= 1UL << member.Index;
                reader.Read();
                values[member.Index] = reader.TokenType == JsonTokenType.Null ? null : ReadValue(ref reader, member);
            }

            return new HubArgument<T>((T)Shape.Create(values));
        }

        public override void Write(Utf8JsonWriter writer, HubArgument<T> value, JsonSerializerOptions options) =>
            throw new NotSupportedException("Arguments of hub calls are only read here.");

        private static T? ReadPlain(ref Utf8JsonReader reader)
        {
            try
            {
                return JsonSerializer.Deserialize<T>(ref reader, NotifyJson.StrictOptions);
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
            {
                throw UnboundArgumentException.NotA(ArgumentKinds.Of(typeof(T)));
            }
        }

        // Half a surrogate pair, escaped, is JSON and no text.
        private static string NameOf(ref Utf8JsonReader reader)
        {
            try
            {
                return reader.GetString()!;
            }
            catch (InvalidOperationException)
            {
                throw UnboundArgumentException.Unknown(Shape, "?");
            }
        }

        private static object? ReadValue(ref Utf8JsonReader reader, ArgumentMember member)
        {
            var before = reader;
            try
            {
                return JsonSerializer.Deserialize(ref reader, member.Type, NotifyJson.StrictOptions);
            }
            catch (Exception exception) when (exception is JsonException or InvalidOperationException or FormatException)
            {
                throw Reason(before, member);
            }
        }

        private static UnboundArgumentException Reason(Utf8JsonReader reader, ArgumentMember member)
        {
            try
            {
                var value = JsonElement.ParseValue(ref reader);
                if (member.Type == typeof(JsonElement) || member.Type == typeof(JsonElement?))
                    return Repeated(value) is { } name ? UnboundArgumentException.TwiceWithin(member, name) : UnboundArgumentException.NotText(member);
                return IsText(value) ? UnboundArgumentException.OfAnotherKind(member) : UnboundArgumentException.NotText(member);
            }
            catch (JsonException)
            {
                return UnboundArgumentException.OfAnotherKind(member); // too deep
            }
        }

        private static bool IsText(JsonElement value)
        {
            try
            {
                if (value.ValueKind == JsonValueKind.String) value.GetString();
                return value.ValueKind != JsonValueKind.Array || value.EnumerateArray().All(IsText);
            }
            catch (InvalidOperationException)
            {
                return false;
            }
        }

        /// <summary>A name that is twice in one object of the value.</summary>
        private static string? Repeated(JsonElement value)
        {
            switch (value.ValueKind)
            {
                case JsonValueKind.Array:
                    return value.EnumerateArray().Select(Repeated).FirstOrDefault(name => name is not null);
                case JsonValueKind.Object:
                    var names = new HashSet<string>(StringComparer.Ordinal);
                    foreach (var member in value.EnumerateObject())
                    {
                        if (!names.Add(member.Name)) return member.Name;
                        if (Repeated(member.Value) is { } within) return within;
                    }

                    return null;
                default:
                    return null;
            }
        }
    }
}
