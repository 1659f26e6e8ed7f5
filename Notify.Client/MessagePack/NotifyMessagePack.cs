using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;

namespace Notify.Client.MessagePack;

/// <summary>
/// The contract's records over MessagePack: maps with the JSON names (the records' <c>DataMember</c>), ids and times as
/// text, <c>data</c> as native values. Members that are absent and members that are nil read the same.
/// </summary>
internal static class NotifyMessagePack
{
    public static MessagePackSerializerOptions Options { get; } = MessagePackSerializerOptions.Standard
        .WithSecurity(MessagePackSecurity.UntrustedData)
        .WithResolver(CompositeResolver.Create(
            [
                new Rfc3339Formatter(),
                // By name, since the standard resolver has its own answer for DateTimeOffset?.
                new StaticNullableFormatter<DateTimeOffset>(new Rfc3339Formatter()),
                new JsonElementFormatter(),
                new ResumeRequestFormatter(),
                new PublishRequestFormatter(),
            ],
            [StandardResolver.Instance]));
}
