using Microsoft.AspNetCore.SignalR;
using Notify.Engine.Cluster.Redis;

namespace Notify.Server.Hubs.Signals;

/// <summary>
/// One connection as the stock Redis manager should know it. Subscriptions are made until they hold; what else fails in the
/// middle, as the end of one, leaves that manager half done, so the connection is taken out and put in again.
/// </summary>
internal sealed class RedisMember(HubConnectionContext connection, HubLifetimeManager<NotifyHub> stock, RedisGuard guard) : IDisposable
{
    private readonly SemaphoreSlim _one = new(1);
    private readonly HashSet<string> _groups = new(StringComparer.Ordinal);
    private bool _tried;
    private bool _gone;

    /// <summary>Redis has it as it is.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>Puts it in, unless it is.</summary>
    public async Task SettleAsync()
    {
        await _one.WaitAsync();
        try
        {
            if (_gone || IsSettled) return;
            if (_tried) await guard.TryAsync(() => stock.OnDisconnectedAsync(connection)); // the stock manager fails on one it never saw
            _tried = true;
            IsSettled = await guard.TryAsync(async () =>
            {
                await stock.OnConnectedAsync(connection);
                foreach (var group in _groups) await stock.AddToGroupAsync(connection.ConnectionId, group);
            });
        }
        finally
        {
            _one.Release();
        }
    }

    public async Task JoinAsync(string group)
    {
        await _one.WaitAsync();
        try
        {
            if (!_gone && _groups.Add(group) && IsSettled) IsSettled = await guard.TryAsync(() => stock.AddToGroupAsync(connection.ConnectionId, group));
        }
        finally
        {
            _one.Release();
        }
    }

    public async Task LeaveAsync(string group)
    {
        await _one.WaitAsync();
        try
        {
            if (_groups.Remove(group) && IsSettled) IsSettled = await guard.TryAsync(() => stock.RemoveFromGroupAsync(connection.ConnectionId, group));
        }
        finally
        {
            _one.Release();
        }
    }

    public async Task EndAsync()
    {
        await _one.WaitAsync();
        try
        {
            _gone = true;
            if (_tried) await guard.TryAsync(() => stock.OnDisconnectedAsync(connection));
        }
        finally
        {
            _one.Release();
        }
    }

    public void Dispose() => _one.Dispose();
}
