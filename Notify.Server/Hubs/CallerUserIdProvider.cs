using Microsoft.AspNetCore.SignalR;

namespace Notify.Server.Hubs;

/// <summary>Names a connection's user for <c>Clients.User</c> as everything else here does.</summary>
internal sealed class CallerUserIdProvider : IUserIdProvider
{
    public string? GetUserId(HubConnectionContext connection) => NotifyLifetimeManager.CallerOf(connection).User;
}
