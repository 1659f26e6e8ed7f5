using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using Notify.Client.MessagePack;

namespace Notify.Tests.Client;

/// <summary>The client's options without its write-only request formatters, since the stub reads requests.</summary>
internal static class StubMessagePack
{
    public static MessagePackSerializerOptions Options { get; } = MessagePackSerializerOptions.Standard.WithResolver(CompositeResolver.Create(
        [
            new Rfc3339Formatter(),
            new StaticNullableFormatter<DateTimeOffset>(new Rfc3339Formatter()),
            new JsonElementFormatter(),
        ],
        [StandardResolver.Instance]));
}
