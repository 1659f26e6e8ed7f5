using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Server.Hubs.Arguments;
using Notify.Server.Wire;

namespace Notify.Server.Hubs;

/// <summary>Offers the two protocols to this hub alone. MessagePack is made for the first client that speaks it: its library takes 10 MB.</summary>
internal sealed class NotifyProtocolResolver(ILogger<NamedArgumentsProtocol> logger) : IHubProtocolResolver
{
    private readonly NamedArgumentsProtocol _json = new(HubProtocols.MakeJson(new JsonArgumentConverter()), logger);
    private readonly Lazy<NamedArgumentsProtocol> _messagePack = new(
        () => new NamedArgumentsProtocol(HubProtocols.MakeMessagePack(MessagePackArgumentResolver.Instance), logger));

    public IReadOnlyList<IHubProtocol> AllProtocols => [_json, _messagePack.Value];

    public IHubProtocol? GetProtocol(string protocolName, IReadOnlyList<string>? supportedProtocols) =>
        Is(protocolName, _json.Name) ? _json
        : Is(protocolName, HubProtocols.MessagePackName) ? _messagePack.Value
        : null;

    private static bool Is(string asked, string name) => string.Equals(asked, name, StringComparison.OrdinalIgnoreCase);
}
