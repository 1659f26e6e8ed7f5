using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Server.Wire;

namespace Notify.Server.Hubs;

/// <summary>
/// SignalR's options as this hub has them. Not those of the container: there an app sets the defaults of its own hubs, and its
/// time-outs, limits and hub filters are not meant for this one.
/// </summary>
internal sealed class OwnHubOptions
{
    public OwnHubOptions(IOptions<NotifyOptions> notify)
    {
        var options = new HubOptions
        {
            KeepAliveInterval = TimeSpan.FromSeconds(15),
            ClientTimeoutInterval = TimeSpan.FromSeconds(30),
            HandshakeTimeout = TimeSpan.FromSeconds(15),
            SupportedProtocols = [FrameEncoders.JsonProtocol, FrameEncoders.MessagePackProtocol],
            MaximumReceiveMessageSize = ReceiveBytes(notify.Value.Limits),
            StatefulReconnectBufferSize = 0,
        };
        Global = Options.Create(options);
    }

    /// <summary>What SignalR takes when a hub has nothing of its own.</summary>
    public IOptions<HubOptions> Global { get; }

    /// <summary>And nothing of its own it has.</summary>
    public IOptions<HubOptions<NotifyHub>> Hub { get; } = Options.Create(new HubOptions<NotifyHub>());

    /// <summary>
    /// Larger than a notification, so that one that is too large gets its code and not a closed connection; and large
    /// enough for a Resume with as many filters as are allowed, each of full length and escaped.
    /// </summary>
    private static long ReceiveBytes(LimitSettings limits) => 4L * limits.PayloadBytes + 1024L * limits.FiltersPerConnection;
}
