using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Server.Wire;

namespace Notify.Server.Hubs;

/// <summary>Offers the two protocols to this hub alone.</summary>
internal sealed class NotifyProtocolResolver : IHubProtocolResolver
{
    public IReadOnlyList<IHubProtocol> AllProtocols { get; } = [HubProtocols.Json, HubProtocols.MessagePack];

    public IHubProtocol? GetProtocol(string protocolName, IReadOnlyList<string>? supportedProtocols) =>
        AllProtocols.FirstOrDefault(p => string.Equals(p.Name, protocolName, StringComparison.OrdinalIgnoreCase));
}
