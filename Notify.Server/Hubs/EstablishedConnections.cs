using System.Collections.Concurrent;
using Microsoft.AspNetCore.SignalR;

namespace Notify.Server.Hubs;

/// <summary>
/// The hub's connections by SignalR's secret <c>id</c>. What polls or sends on one was let in with it: it is asked for no
/// credential again, or a client that reauthenticated would be cut off by the old token in its headers.
/// </summary>
internal sealed class EstablishedConnections
{
    private readonly ConcurrentDictionary<string, bool> _ids = new(StringComparer.Ordinal);

    public bool Contains(HttpContext context) => IdOf(context) is { } id && _ids.ContainsKey(id);

    public void Add(HubConnectionContext connection)
    {
        if (IdOf(connection.GetHttpContext()) is { } id) _ids[id] = true;
    }

    public void Remove(HubConnectionContext connection)
    {
        if (IdOf(connection.GetHttpContext()) is { } id) _ids.TryRemove(id, out _);
    }

    private static string? IdOf(HttpContext? context) => context?.Request.Query["id"] is [{ Length: > 0 } id] ? id : null;
}
