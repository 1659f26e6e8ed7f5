using System.Text.Json;
using System.Text.Json.Serialization;
using MessagePack;
using MessagePack.Resolvers;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.Options;
using Notify.Contracts.Hub;
using Notify.Contracts.Wire;

namespace Notify.Server.Wire;

/// <summary>
/// The hub's own protocol instances: the options of a host's other hubs stay as they are.
/// </summary>
internal static class HubProtocols
{
    /// <summary>The name under which clients ask for MessagePack.</summary>
    public const string MessagePackName = "messagepack";

    private static readonly Lazy<IHubProtocol> WritingMessagePack = new(() => MakeMessagePack());

    /// <summary>For writing.</summary>
    public static IHubProtocol Json { get; } = MakeJson();

    /// <inheritdoc cref="Json"/>
    public static IHubProtocol MessagePack => WritingMessagePack.Value;

    /// <summary>Strict: an unknown or repeated member is a mistake that its author wants to hear of.</summary>
    public static IHubProtocol MakeJson(params ReadOnlySpan<JsonConverter> converters)
    {
        var options = new JsonSerializerOptions(NotifyJson.StrictOptions);
        foreach (var converter in converters) options.Converters.Add(converter);
        return new JsonHubProtocol(Options.Create(new JsonHubProtocolOptions { PayloadSerializerOptions = options }));
    }

    /// <inheritdoc cref="MakeJson"/>
    public static IHubProtocol MakeMessagePack(params IFormatterResolver[] resolvers) =>
        new MessagePackHubProtocol(Options.Create(new MessagePackHubProtocolOptions
        {
            SerializerOptions = MessagePackSerializerOptions.Standard
            .WithSecurity(MessagePackSecurity.UntrustedData)
            .WithResolver(CompositeResolver.Create(
                [
                    StrictStringFormatter.Instance, JsonElementFormatter.Instance, NullableJsonElementFormatter.Instance, TimeFormatter.Instance,
                        PublishResultFormatter.Instance,
                    new ThroughJsonFormatter<ResumeResult>(), new ThroughJsonFormatter<SetAttributesResult>(),
                ],
                [.. resolvers, StandardResolver.Instance])),
        }));
}
