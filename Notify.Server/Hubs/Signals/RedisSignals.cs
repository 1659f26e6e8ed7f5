using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Protocol;
using Notify.Engine.Cluster.Redis;

namespace Notify.Server.Hubs.Signals;

/// <summary>
/// Hub sends by the stock Redis backplane, with the one change that nothing of Redis reaches a client: connecting and
/// joining never fail and wait a moment at most, sends that fail are counted and lost, and connections that Redis does
/// not know yet are made known when it is back.
/// </summary>
internal sealed class RedisSignals : HubLifetimeManager<NotifyHub>, IDisposable
{
    /// <summary>A healthy Redis answers in a tenth of it. A connection that is not known by then gets signals a little later.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan Repeat = TimeSpan.FromSeconds(5);

    private readonly ConcurrentDictionary<string, RedisMember> _members = [];
    private readonly HubLifetimeManager<NotifyHub> _stock;
    private readonly RedisConnection _redis;
    private readonly RedisGuard _guard;
    private readonly TimeProvider _time;
    private readonly ITimer _repeating;
    private int _settling;

    public RedisSignals(HubLifetimeManager<NotifyHub> stock, RedisConnection redis, RedisGuard guard, TimeProvider time)
    {
        (_stock, _redis, _guard, _time) = (stock, redis, guard, time);
        redis.Restored += SettleSoon;
        _ = redis.Connected.ContinueWith(_ => SettleSoon(), TaskScheduler.Default);
        _repeating = time.CreateTimer(_ => SettleSoon(), null, Repeat, Repeat);
    }

    public override Task OnConnectedAsync(HubConnectionContext connection)
    {
        var member = new RedisMember(connection, _stock, _guard);
        _members[connection.ConnectionId] = member;
        return _redis.IsConnected ? AMoment(member.SettleAsync()) : Task.CompletedTask;
    }

    public override Task OnDisconnectedAsync(HubConnectionContext connection)
    {
        // Not awaited: the client is gone, and a Redis that hangs would keep its connection.
        if (_members.TryRemove(connection.ConnectionId, out var member)) _ = member.EndAsync();
        return Task.CompletedTask;
    }

    public override Task AddToGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default) =>
        _members.TryGetValue(connectionId, out var member) ? AMoment(member.JoinAsync(groupName)) : Task.CompletedTask;

    public override Task RemoveFromGroupAsync(string connectionId, string groupName, CancellationToken cancellationToken = default) =>
        _members.TryGetValue(connectionId, out var member) ? AMoment(member.LeaveAsync(groupName)) : Task.CompletedTask;

    public override Task SendAllAsync(string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendAllAsync(methodName, args, cancellationToken));

    public override Task SendAllExceptAsync(string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds,
        CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendAllExceptAsync(methodName, args, excludedConnectionIds, cancellationToken));

    public override Task SendConnectionAsync(string connectionId, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendConnectionAsync(connectionId, methodName, args, cancellationToken));

    public override Task SendConnectionsAsync(IReadOnlyList<string> connectionIds, string methodName, object?[] args,
        CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendConnectionsAsync(connectionIds, methodName, args, cancellationToken));

    public override Task SendGroupAsync(string groupName, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendGroupAsync(groupName, methodName, args, cancellationToken));

    public override Task SendGroupsAsync(IReadOnlyList<string> groupNames, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendGroupsAsync(groupNames, methodName, args, cancellationToken));

    public override Task SendGroupExceptAsync(string groupName, string methodName, object?[] args, IReadOnlyList<string> excludedConnectionIds,
        CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendGroupExceptAsync(groupName, methodName, args, excludedConnectionIds, cancellationToken));

    public override Task SendUserAsync(string userId, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendUserAsync(userId, methodName, args, cancellationToken));

    public override Task SendUsersAsync(IReadOnlyList<string> userIds, string methodName, object?[] args, CancellationToken cancellationToken = default) =>
        SendAsync(() => _stock.SendUsersAsync(userIds, methodName, args, cancellationToken));

    public override Task<T> InvokeConnectionAsync<T>(string connectionId, string methodName, object?[] args, CancellationToken cancellationToken) =>
        _stock.InvokeConnectionAsync<T>(connectionId, methodName, args, cancellationToken);

    public override Task SetConnectionResultAsync(string connectionId, CompletionMessage result) => _stock.SetConnectionResultAsync(connectionId, result);

    public override bool TryGetReturnType(string invocationId, [NotNullWhen(true)] out Type? type) => _stock.TryGetReturnType(invocationId, out type);

    public void Dispose()
    {
        _redis.Restored -= SettleSoon;
        _repeating.Dispose();
        try
        {
            (_stock as IDisposable)?.Dispose();
        }
        catch (Exception exception) when (exception is StackExchange.Redis.RedisException or ObjectDisposedException)
        {
            // It says goodbye to Redis, which may be away, on a connection that may be gone: the process ends all the same.
        }
    }

    // Before the first connection the stock manager would wait for it, holding its lock.
    private Task<bool> SendAsync(Func<Task> send) => _guard.TryAsync(() => _redis.IsConnected
        ? send()
        : throw new StackExchange.Redis.RedisConnectionException(StackExchange.Redis.ConnectionFailureType.UnableToConnect, "Redis is not connected."));

    private Task AMoment(Task work) => work.WaitAsync(Patience, _time).ContinueWith(_ => { }, TaskScheduler.Default);

    private void SettleSoon()
    {
        if (_redis.IsConnected && Interlocked.Exchange(ref _settling, 1) == 0) _ = SettleAsync();
    }

    private async Task SettleAsync()
    {
        try
        {
            foreach (var member in _members.Values)
            {
                if (!_redis.IsConnected) return;
                if (!member.IsSettled) await member.SettleAsync();
            }
        }
        finally
        {
            Volatile.Write(ref _settling, 0);
        }
    }
}
