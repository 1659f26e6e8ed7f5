using Microsoft.AspNetCore.SignalR;
using Notify.Server.Security;

namespace Notify.Server.Hubs;

/// <summary>Names a connection's user for <c>Clients.User</c> as everything else here does.</summary>
internal sealed class CallerUserIdProvider(Callers callers) : IUserIdProvider
{
    public string? GetUserId(HubConnectionContext connection) => NotifyLifetimeManager.CallerOf(callers, connection).User;
}
