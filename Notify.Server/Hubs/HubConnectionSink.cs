using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.SignalR;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Connections;
using Notify.Server.Wire;

namespace Notify.Server.Hubs;

/// <summary>A SignalR connection as a session's sink.</summary>
internal sealed class HubConnectionSink(HubConnectionContext connection, ClientPace pace, TimeProvider time) : ISessionSink
{
    /// <summary>How long a client has to go by itself when it is asked to.</summary>
    private static readonly TimeSpan Grace = TimeSpan.FromSeconds(1);

    public FrameEncoder Encoder { get; } = FrameEncoders.Of(connection.Protocol.Name);

    /// <summary>This node asked the client to come back, here or elsewhere.</summary>
    public bool WasAskedToLeave { get; private set; }

    public bool IsStuck => pace.IsStuck;

    public ValueTask WriteAsync(EncodedFrame frame) => connection.WriteAsync((SerializedHubMessage)frame.Package!);

    /// <remarks>
    /// Not <see cref="HubConnectionContext.Abort"/>: that sends a close message without reconnect, and stock clients
    /// stop for good. Closing the transport looks like a lost network, and they come back.
    /// </remarks>
    public void CloseForReconnect()
    {
        WasAskedToLeave = true;
        if (connection.Features.Get<IConnectionLifetimeNotificationFeature>() is { } lifetime) lifetime.RequestClose();
        _ = AbortAfterGraceAsync();
    }

    public void Cut()
    {
        WasAskedToLeave = true;
        connection.Features.Get<IConnectionLifetimeFeature>()?.Abort();
    }

    private async Task AbortAfterGraceAsync()
    {
        await Task.Delay(Grace, time, connection.ConnectionAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (!connection.ConnectionAborted.IsCancellationRequested) connection.Features.Get<IConnectionLifetimeFeature>()?.Abort();
    }
}
