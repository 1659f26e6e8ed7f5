namespace Notify.Engine;

/// <summary>
/// A background service that only <see cref="BackgroundService.StopAsync"/> stops. The stock one also stops when its start is cancelled,
/// and the generic host cancels every start when the process is told to stop meanwhile: before it has noted the stop itself, so that it
/// takes the cancelled service for one that failed and logs it as critical.
/// </summary>
internal abstract class NodeService : BackgroundService
{
    /// <inheritdoc/>
    public sealed override Task StartAsync(CancellationToken cancellationToken) => base.StartAsync(CancellationToken.None);
}
