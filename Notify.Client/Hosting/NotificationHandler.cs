using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Hosting;
using Notify.Contracts;

namespace Notify.Client;

/// <summary>
/// A worker that handles notifications: registers its handler before any worker of the host starts, then starts the client. Several
/// may share one client, which calls them one after the other.
/// <code>
/// builder.Services.AddNotifyClient();
/// builder.Services.AddHostedService&lt;OrderMailer&gt;();
///
/// internal sealed class OrderMailer(NotifyClient client) : NotificationHandler(client, "orders/+/paid")
/// {
///     protected override Task HandleAsync(Notification notification, CancellationToken cancellationToken) => …
/// }
/// </code>
/// </summary>
/// <param name="client">The client; what it follows is its own setting.</param>
/// <param name="filter">Which of its notifications.</param>
/// <param name="options">What happens when handling fails; null: it is tried again until it succeeds.</param>
public abstract class NotificationHandler(NotifyClient client, string filter = "#", HandlerOptions? options = null) : BackgroundService, IHostedLifecycleService
{
    private IDisposable? _registration;

    /// <summary>Handles one. It is acknowledged, and the cursor moves on, when this completes.</summary>
    protected abstract Task HandleAsync(Notification notification, CancellationToken cancellationToken);

    /// <inheritdoc/>
    public Task StartingAsync(CancellationToken cancellationToken)
    {
        _registration = Register(client, filter, options);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task StoppingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    /// <summary>Stops the client: what is being handled is handed over again by the next start.</summary>
    public Task StoppedAsync(CancellationToken cancellationToken) => client.StopAsync();

    /// <inheritdoc/>
    public override void Dispose()
    {
        _registration?.Dispose();
        base.Dispose();
        GC.SuppressFinalize(this);
    }

    // What refuses the client for good, or a handler that stops it, ends this worker with that error, and the host as it is configured.
    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await client.StartAsync(stoppingToken).ConfigureAwait(false);
        await foreach (var state in client.States.WithCancellation(stoppingToken).ConfigureAwait(false))
            if (state is NotifyClientState.Failed failed) throw failed.Why;
    }

    private protected virtual IDisposable Register(NotifyClient client, string filter, HandlerOptions? options) => client.On(filter, HandleAsync, options);
}

/// <summary>A worker that handles notifications with their <c>data</c> read as <typeparamref name="T"/>.</summary>
/// <typeparam name="T">What <c>data</c> is.</typeparam>
/// <param name="client">The client; what it follows is its own setting.</param>
/// <param name="typeInfo">How to read <c>data</c>, from a source-generated <c>JsonSerializerContext</c>.</param>
/// <param name="filter">Which of its notifications.</param>
/// <param name="options">What happens when handling fails, and when <c>data</c> is something else.</param>
public abstract class NotificationHandler<T>(NotifyClient client, JsonTypeInfo<T> typeInfo, string filter = "#", HandlerOptions? options = null)
    : NotificationHandler(client, filter, options)
{
    /// <summary>Handles one. It is acknowledged, and the cursor moves on, when this completes.</summary>
    protected abstract Task HandleAsync(Notification notification, T data, CancellationToken cancellationToken);

    /// <inheritdoc/>
    protected sealed override Task HandleAsync(Notification notification, CancellationToken cancellationToken) => Task.CompletedTask;

    private protected override IDisposable Register(NotifyClient client, string filter, HandlerOptions? options) =>
        client.On(filter, typeInfo, HandleAsync, options);
}
