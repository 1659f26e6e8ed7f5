using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Contracts.Wire;
using Notify.Engine.Cluster;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Server.Hubs.Signals;

/// <summary>
/// Hub sends without Redis: to this node's connections by the stock manager, and over the link to those of the others.
/// Arguments travel as the JSON that clients would get. Groups have members of this node only, each node has its own.
/// </summary>
internal sealed class LinkSignals : HubLifetimeManager<NotifyHub>
{
    private readonly HubLifetimeManager<NotifyHub> _local;
    private readonly ClusterLink _link;
    private readonly SessionRegistry _sessions;

    public LinkSignals(HubLifetimeManager<NotifyHub> local, ClusterLink link, SessionRegistry sessions)
    {
        (_local, _link, _sessions) = (local, link, sessions);
        link.Signalled += Deliver;
    }

    public override Task OnConnectedAsync(HubConnectionContext connection) => _local.OnConnectedAsync(connection);

    public override Task OnDisconnectedAsync(HubConnectionContext connection) => _local.OnDisconnectedAsync(connection);

    public override Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default) =>
        _local.AddToGroupAsync(connectionId, groupName, cancellationToken);

    public override Task RemoveFromGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default) =>
        _local.RemoveFromGroupAsync(connectionId, groupName, cancellationToken);

    public override Task SendAllAsync(string methodName, object?[] args, CancellationToken cancellationToken = default)
    {
        SendToOtherNodes(SignalTarget.All, [], [], methodName, args);
        return _local.SendAllAsync(methodName, args, cancellationToken);
    }

    public override Task SendAllExceptAsync(string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds,
        CancellationToken cancellationToken = default)
    {
        SendToOtherNodes(SignalTarget.All, [], excludedConnectionIds, methodName, args);
        return _local.SendAllExceptAsync(methodName, args, excludedConnectionIds, cancellationToken);
    }

    public override Task SendConnectionAsync(string connectionId, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendConnectionsAsync([connectionId], methodName, args, cancellationToken);

    public override Task SendConnectionsAsync(IReadOnlyList<string> connectionIds, string methodName, object?[] args,
        CancellationToken cancellationToken = default)
    {
        var elsewhere = connectionIds.Where(id => _sessions.Find(id) is null).ToArray();
        if (elsewhere.Length > 0) SendToOtherNodes(SignalTarget.Connections, elsewhere, [], methodName, args);
        return _local.SendConnectionsAsync(connectionIds, methodName, args, cancellationToken);
    }

    public override Task SendGroupAsync(string groupName, string methodName, object?[] args, CancellationToken cancellationToken = default)
    {
        SendToOtherNodes(SignalTarget.Groups, [groupName], [], methodName, args);
        return _local.SendGroupAsync(groupName, methodName, args, cancellationToken);
    }

    public override Task SendGroupsAsync(IReadOnlyList<string> groupNames, string methodName, object?[] args, CancellationToken cancellationToken = default)
    {
        SendToOtherNodes(SignalTarget.Groups, groupNames, [], methodName, args);
        return _local.SendGroupsAsync(groupNames, methodName, args, cancellationToken);
    }

    public override Task SendGroupExceptAsync(string groupName, string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds,
        CancellationToken cancellationToken = default)
    {
        SendToOtherNodes(SignalTarget.Groups, [groupName], excludedConnectionIds, methodName, args);
        return _local.SendGroupExceptAsync(groupName, methodName, args, excludedConnectionIds, cancellationToken);
    }

    public override Task SendUserAsync(string userId, string methodName, object?[] args, CancellationToken cancellationToken = default)
    {
        SendToOtherNodes(SignalTarget.Users, [userId], [], methodName, args);
        return _local.SendUserAsync(userId, methodName, args, cancellationToken);
    }

    public override Task SendUsersAsync(IReadOnlyList<string> userIds, string methodName, object?[] args, CancellationToken cancellationToken = default)
    {
        SendToOtherNodes(SignalTarget.Users, userIds, [], methodName, args);
        return _local.SendUsersAsync(userIds, methodName, args, cancellationToken);
    }

    /// <summary>Client results: from this node's connections only.</summary>
    public override Task<T> InvokeConnectionAsync<T>(string connectionId, string methodName, object?[] args, CancellationToken cancellationToken) =>
        _local.InvokeConnectionAsync<T>(connectionId, methodName, args, cancellationToken);

    public override Task SetConnectionResultAsync(string connectionId, CompletionMessage result) => _local.SetConnectionResultAsync(connectionId, result);

    public override bool TryGetReturnType(string invocationId, [NotNullWhen(true)] out Type? type) => _local.TryGetReturnType(invocationId, out type);

    // A message takes so many names: more go as several, each to others.
    private void SendToOtherNodes(SignalTarget to, IReadOnlyList<string> names, IReadOnlyList<string> except, string method, object?[] args)
    {
        if (!_link.Crosses) return;
        var json = JsonSerializer.SerializeToUtf8Bytes(args, NotifyJson.Options);
        if (to == SignalTarget.All) _link.Signal(to, names, except, method, json);
        foreach (var some in names.Chunk(LinkFormat.MaxNames)) _link.Signal(to, some, except, method, json);
    }

    // Begun on the receiving loop, so that a connection gets signals in their order; not awaited, since a write to a slow
    // connection ends when that connection takes it.
    private void Deliver(LinkMessage.Signal signal)
    {
        object?[] args = [.. JsonSerializer.Deserialize<JsonElement[]>(signal.Arguments.Span)!];
        foreach (var send in Sends(signal, args)) _ = EndAsync(send);
    }

    private static async Task EndAsync(Task send) => await send.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

    private IEnumerable<Task> Sends(LinkMessage.Signal signal, object?[] args) => signal.To switch
    {
        SignalTarget.All => [_local.SendAllExceptAsync(signal.Method, args, signal.Except)],
        SignalTarget.Connections => [_local.SendConnectionsAsync(signal.Names, signal.Method, args)],
        SignalTarget.Groups => signal.Names.Select(group => _local.SendGroupExceptAsync(group, signal.Method, args, signal.Except)),
        _ => [_local.SendUsersAsync(signal.Names, signal.Method, args)],
    };
}
