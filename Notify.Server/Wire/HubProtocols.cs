using System.Text.Json;
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
    /// <summary>Strict: an unknown or repeated member is a mistake that its author wants to hear of.</summary>
    public static IHubProtocol Json { get; } = new JsonHubProtocol(Options.Create(new JsonHubProtocolOptions
    {
        PayloadSerializerOptions = new JsonSerializerOptions(NotifyJson.StrictOptions),
    }));

    public static IHubProtocol MessagePack { get; } = new MessagePackHubProtocol(Options.Create(new MessagePackHubProtocolOptions
    {
        SerializerOptions = MessagePackSerializerOptions.Standard
            .WithSecurity(MessagePackSecurity.UntrustedData)
            .WithResolver(CompositeResolver.Create(
                [StrictStringFormatter.Instance, JsonElementFormatter.Instance, NullableJsonElementFormatter.Instance, TimeFormatter.Instance, PublishResultFormatter.Instance, new ThroughJsonFormatter<ResumeResult>(), new ThroughJsonFormatter<SetAttributesResult>()],
                [StandardResolver.Instance])),
    }));
}
