namespace Notify.Server.Authentication;

/// <summary>Marks the hub's endpoints.</summary>
internal sealed class HubEndpoint;
