using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Server.Hubs.Arguments;
using Notify.Server.Wire;

namespace Notify.Server.Hubs;

/// <summary>Offers the two protocols to this hub alone.</summary>
internal sealed class NotifyProtocolResolver(ILogger<NamedArgumentsProtocol> logger) : IHubProtocolResolver
{
    public IReadOnlyList<IHubProtocol> AllProtocols { get; } =
    [
        new NamedArgumentsProtocol(HubProtocols.MakeJson(new JsonArgumentConverter()), logger),
        new NamedArgumentsProtocol(HubProtocols.MakeMessagePack(MessagePackArgumentResolver.Instance), logger),
    ];

    public IHubProtocol? GetProtocol(string protocolName, IReadOnlyList<string>? supportedProtocols) =>
        AllProtocols.FirstOrDefault(p => string.Equals(p.Name, protocolName, StringComparison.OrdinalIgnoreCase));
}
