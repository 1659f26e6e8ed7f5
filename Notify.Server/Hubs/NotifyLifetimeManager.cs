using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.Http.Connections.Features;
using Microsoft.AspNetCore.SignalR;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Server.Authentication;
using Notify.Server.Connections;

namespace Notify.Server.Hubs;

/// <summary>
/// SignalR's extension point for group membership. It gives every connection its delivery session, and leaves to
/// the stock manager what that one is good at: sends to a connection, a user, a reserved group. Topic filters never
/// reach it: its groups know no wildcards, ignore case, and each would cost a Redis subscription.
/// </summary>
internal sealed class NotifyLifetimeManager(
    HubLifetimeManager<NotifyHub> inner,
    SessionOpener open,
    SessionRegistry sessions,
    EstablishedConnections established,
    LiveCallers live,
    OwnChanges own,
    TimeProvider time) : HubLifetimeManager<NotifyHub>
{
    public override async Task OnConnectedAsync(HubConnectionContext connection)
    {
        var pace = PaceOf(connection);
        WholeWrites.Use(connection, pace);
        var caller = CallerOf(connection);
        established.Add(connection);
        var session = open(connection.ConnectionId, new HubConnectionSink(connection, pace, time), caller.User, caller.Device);
        var current = new LiveCaller(caller, session);
        connection.Features.Set(session);
        connection.Features.Set(current);
        if (!live.TryAdd(connection.ConnectionId, current)) session.Sink.CloseForReconnect(); // its credential ended while it connected
        await inner.OnConnectedAsync(connection);
        await own.TakeClaimsAsync(caller);
    }

    /// <summary>The caller of the connection; the endpoint has refused callers that cannot be identified.</summary>
    public static Caller CallerOf(HubConnectionContext connection) =>
        connection.GetHttpContext() is { } http && Authenticator.Find(http) is { } caller
            ? caller
            : throw new HubException($"{ErrorCodes.Unauthenticated}: Connect again.");

    public override async Task OnDisconnectedAsync(HubConnectionContext connection)
    {
        established.Remove(connection);
        live.Remove(connection.ConnectionId);
        sessions.Remove(connection.ConnectionId);
        await inner.OnDisconnectedAsync(connection);
    }

    private ClientPace PaceOf(HubConnectionContext connection) => ClientPace.Of(
        connection.GetHttpContext(), connection.Features.Get<IHttpTransportFeature>()?.TransportType is not HttpTransportType.LongPolling, time);

    /// <summary>A filter is followed from now on, as by Subscribe; a reserved topic is a group of the stock manager.</summary>
    public override Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default)
    {
        if (!TopicFilter.TryParse(groupName, out var filter, out _)) return inner.AddToGroupAsync(connectionId, groupName, cancellationToken);
        sessions.Find(connectionId)?.TrySubscribe([filter], out _, out _);
        return Task.CompletedTask;
    }

    public override Task RemoveFromGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default)
    {
        if (!TopicFilter.TryParse(groupName, out var filter, out _)) return inner.RemoveFromGroupAsync(connectionId, groupName, cancellationToken);
        sessions.Find(connectionId)?.Unsubscribe([filter]);
        return Task.CompletedTask;
    }

    public override Task SendAllAsync(string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        inner.SendAllAsync(methodName, args, cancellationToken);

    public override Task SendAllExceptAsync(string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds,
        CancellationToken cancellationToken = default) =>
        inner.SendAllExceptAsync(methodName, args, excludedConnectionIds, cancellationToken);

    public override Task SendConnectionAsync(string connectionId, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        inner.SendConnectionAsync(connectionId, methodName, args, cancellationToken);

    public override Task SendConnectionsAsync(IReadOnlyList<string> connectionIds, string methodName, object?[] args,
        CancellationToken cancellationToken = default) =>
        inner.SendConnectionsAsync(connectionIds, methodName, args, cancellationToken);

    public override Task SendGroupAsync(string groupName, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        inner.SendGroupAsync(groupName, methodName, args, cancellationToken);

    public override Task SendGroupsAsync(IReadOnlyList<string> groupNames, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        inner.SendGroupsAsync(groupNames, methodName, args, cancellationToken);

    public override Task SendGroupExceptAsync(string groupName, string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds,
        CancellationToken cancellationToken = default) =>
        inner.SendGroupExceptAsync(groupName, methodName, args, excludedConnectionIds, cancellationToken);

    public override Task SendUserAsync(string userId, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        inner.SendUserAsync(userId, methodName, args, cancellationToken);

    public override Task SendUsersAsync(IReadOnlyList<string> userIds, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        inner.SendUsersAsync(userIds, methodName, args, cancellationToken);

    public override Task<T> InvokeConnectionAsync<T>(string connectionId, string methodName, object?[] args, CancellationToken cancellationToken) =>
        inner.InvokeConnectionAsync<T>(connectionId, methodName, args, cancellationToken);

    public override Task SetConnectionResultAsync(string connectionId, Microsoft.AspNetCore.SignalR.Protocol.CompletionMessage result) =>
        inner.SetConnectionResultAsync(connectionId, result);

    public override bool TryGetReturnType(string invocationId, [System.Diagnostics.CodeAnalysis.NotNullWhen(true)] out Type? type) =>
        inner.TryGetReturnType(invocationId, out type);
}
