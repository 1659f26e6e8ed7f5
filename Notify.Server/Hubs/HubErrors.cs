using Microsoft.AspNetCore.SignalR;
using Notify.Engine;

namespace Notify.Server.Hubs;

/// <summary>Refusals on the hub: an error whose text is <c>code: what to do</c>.</summary>
internal static class HubErrors
{
    public static HubException Of(Refusal refusal) => new($"{refusal.Code}: {refusal.Detail}");
}
