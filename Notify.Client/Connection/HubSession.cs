using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Notify.Client.MessagePack;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;
using Notify.Contracts.Wire;

namespace Notify.Client.Connection;

/// <summary>
/// One connection, from start to close. A new one is made for every attempt instead of SignalR's automatic reconnect,
/// which gives up after a close that the server asked for, does not cover the first start, and lets handlers of the
/// last connection run on beside those of the next.
/// </summary>
internal sealed class HubSession : IAsyncDisposable
{
    private readonly HubConnection _connection;
    private readonly Action<object> _received;
    private readonly TaskCompletionSource<bool> _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Lock _gate = new();
    private bool _ended;
    private readonly TaskCompletionSource<Exception?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <param name="options">Where and how.</param>
    /// <param name="received">Takes Notification, Gap, CaughtUp and Progress, one after the other, all after the answer to Resume.</param>
    public HubSession(NotifyClientOptions options, Action<object> received)
    {
        _received = received;
        _connection = Build(options);
        _connection.Closed += error =>
        {
            _closed.TrySetResult(error);
            return Task.CompletedTask;
        };
        Take<Notification>(ClientMethods.Notification);
        Take<Gap>(ClientMethods.Gap);
        Take<CaughtUp>(ClientMethods.CaughtUp);
        Take<Progress>(ClientMethods.Progress);
    }

    /// <summary>Completes when the connection is no more; with its error, or null when it was closed in good order.</summary>
    public Task<Exception?> Closed => _closed.Task;

    public Task StartAsync(CancellationToken cancellationToken) => _connection.StartAsync(cancellationToken);

    /// <summary>The first call. <paramref name="apply"/> sees the answer before anything else is received.</summary>
    public async Task ResumeAsync(ResumeRequest request, Action<ResumeResult> apply, CancellationToken cancellationToken)
    {
        var done = false;
        try
        {
            apply(await InvokeAsync<ResumeResult>(HubMethods.Resume, request, cancellationToken));
            done = true;
        }
        finally
        {
            _resumed.TrySetResult(done);
        }
    }

    public Task<SubscribeResult> SubscribeAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken) =>
        InvokeAsync<SubscribeResult>(HubMethods.Subscribe, new SubscribeRequest { Topics = topics }, cancellationToken);

    public Task<UnsubscribeResult> UnsubscribeAsync(IReadOnlyList<string> topics, CancellationToken cancellationToken) =>
        InvokeAsync<UnsubscribeResult>(HubMethods.Unsubscribe, new UnsubscribeRequest { Topics = topics }, cancellationToken);

    public Task<PublishResult> PublishAsync(PublishRequest request, CancellationToken cancellationToken) =>
        InvokeAsync<PublishResult>(HubMethods.Publish, request, cancellationToken);

    /// <summary>After this nothing is received, although SignalR may still be running handlers.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate) _ended = true;
        _resumed.TrySetResult(false);
        return _connection.DisposeAsync();
    }

    private async Task<T> InvokeAsync<T>(string method, object request, CancellationToken cancellationToken)
    {
        try
        {
            return await _connection.InvokeAsync<T>(method, request, cancellationToken);
        }
        catch (HubException e)
        {
            throw NotifyException.From(e);
        }
    }

    // The answer to Resume is on the wire first, but its awaiter may run after the first handlers: they wait for it,
    // since without its epoch a version says nothing.
    private void Take<T>(string method)
        where T : notnull =>
        _connection.On<T>(method, async item =>
        {
            if (!await _resumed.Task) return;
            lock (_gate)
            {
                if (!_ended) _received(item);
            }
        });

    private static HubConnection Build(NotifyClientOptions options)
    {
        var builder = new HubConnectionBuilder().WithUrl(HubUrl(options), http =>
        {
            http.AccessTokenProvider = options.AccessTokenProvider;
            options.ConfigureConnection?.Invoke(http);
        });
        if (options.LoggerFactory is { } loggers) builder.Services.AddSingleton(loggers);
        if (options.UseMessagePack) builder.AddMessagePackProtocol(o => o.SerializerOptions = NotifyMessagePack.Options);
        else builder.AddJsonProtocol(o => o.PayloadSerializerOptions = NotifyJson.Options);
        return builder.Build();
    }

    private static Uri HubUrl(NotifyClientOptions options)
    {
        var query = new List<string>();
        if (options.User is { } user) query.Add($"user={Uri.EscapeDataString(user)}");
        if (options.Device is { } device) query.Add($"device={Uri.EscapeDataString(device)}");
        var url = options.Url.AbsoluteUri.TrimEnd('/') + HubMethods.Path;
        return new Uri(query.Count == 0 ? url : $"{url}?{string.Join('&', query)}");
    }
}
