using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;

namespace Notify.Client.MessagePack;

/// <summary>
/// The contract's records over MessagePack: maps with the JSON names (the records' <c>DataMember</c>), ids and times as
/// text, <c>data</c> as native values. Members that are absent and members that are nil read the same.
/// </summary>
public static class NotifyMessagePack
{
    /// <summary>The same options with MessagePack as the language of the connection.</summary>
    public static NotifyClientOptions WithMessagePack(this NotifyClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        var protocol = new MessagePackHubProtocolOptions { SerializerOptions = Options };
        return options with { Protocol = new MessagePackHubProtocol(Microsoft.Extensions.Options.Options.Create(protocol)) };
    }

    internal static MessagePackSerializerOptions Options { get; } = MessagePackSerializerOptions.Standard
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
