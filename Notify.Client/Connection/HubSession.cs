using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Wire;

namespace Notify.Client.Connection;

/// <summary>What a connection tells its client.</summary>
internal interface IHubEvents
{
    /// <summary>Notification, Gap, CaughtUp and Progress, one after the other, all after the answer to Resume.</summary>
    void Received(object item);

    /// <summary>In the order of the wire with <see cref="Reauthenticated"/>.</summary>
    void CountsReceived(InboxChanged counts);

    void Reauthenticated();

    void PresenceReceived(PresenceChanged presence);

    void SubscriptionsReceived(SubscriptionsChanged subscriptions);
}

/// <summary>
/// One connection, from start to close. A new one is made for every attempt instead of SignalR's automatic reconnect,
/// which gives up after a close that the server asked for, does not cover the first start, and lets handlers of the
/// last connection run on beside those of the next.
/// </summary>
internal sealed class HubSession : IAsyncDisposable
{
    private readonly NotifyClientOptions _options;
    private readonly IHubEvents _events;
    private readonly HubConnection _connection;
    private readonly TaskCompletionSource<bool> _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly object _gate = new();
    private bool _ended;
    private readonly TaskCompletionSource<Exception?> _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public HubSession(NotifyClientOptions options, Uri address, Tokens tokens, IHubEvents events)
    {
        (_options, _events) = (options, events);
        _connection = Build(address, tokens);
        _connection.Closed += error =>
        {
            _closed.TrySetResult(error);
            return Task.CompletedTask;
        };
        Take<Notification>(ClientMethods.Notification);
        Take<Gap>(ClientMethods.Gap);
        Take<CaughtUp>(ClientMethods.CaughtUp);
        Take<Progress>(ClientMethods.Progress);
        _connection.On<InboxChanged>(ClientMethods.InboxChanged, _ => { }); // it was taken from the wire; this names its type
        _connection.On<PresenceChanged>(ClientMethods.Presence, presence => IfOpen(() => _events.PresenceReceived(presence)));
        _connection.On<SubscriptionsChanged>(ClientMethods.SubscriptionsChanged, changed => IfOpen(() => _events.SubscriptionsReceived(changed)));
    }

    /// <summary>Completes when the connection is no more; with its error, or null when it was closed in good order.</summary>
    public Task<Exception?> Closed => _closed.Task;

    /// <summary>The answer to Resume named a user.</summary>
    public bool HasUser { get; private set; }

    public Task StartAsync(CancellationToken cancellationToken) => _connection.StartAsync(cancellationToken);

    /// <summary>The first call. <paramref name="apply"/> sees the answer before anything else is received.</summary>
    public async Task ResumeAsync(ResumeRequest request, Action<ResumeResult> apply, CancellationToken cancellationToken)
    {
        var done = false;
        try
        {
            var result = await InvokeAsync<ResumeResult>(HubMethods.Resume, request, cancellationToken).ConfigureAwait(false);
            HasUser = result.User is not null;
            apply(result);
            done = true;
        }
        finally
        {
            _resumed.TrySetResult(done);
        }
    }

    public Task<T> InvokeAsync<T>(string method, object request, CancellationToken cancellationToken) =>
        CallAsync(method, token => _connection.InvokeAsync<T>(method, request, token), cancellationToken);

    public Task AckAsync(long version, CancellationToken cancellationToken) => CallAsync(
        HubMethods.Ack,
        async token =>
        {
            await _connection.InvokeAsync(HubMethods.Ack, new AckRequest { Version = version }, token).ConfigureAwait(false);
            return true;
        },
        cancellationToken);

    /// <summary>After this nothing is received, although SignalR may still be running handlers.</summary>
    public ValueTask DisposeAsync()
    {
        lock (_gate) _ended = true;
        _resumed.TrySetResult(false);
        return _connection.DisposeAsync();
    }

    private async Task<T> CallAsync<T>(string method, Func<CancellationToken, Task<T>> call, CancellationToken cancellationToken)
    {
        try
        {
            return await call(cancellationToken).WaitAsync(_options.Timeout, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (HubException e)
        {
            throw NotifyException.From(e);
        }
        catch (TimeoutException e)
        {
            throw NotifyException.TimedOut($"The answer to {method}", e);
        }
    }

    // The answer to Resume is on the wire first, but its awaiter may run after the first handlers: they wait for it,
    // since without its epoch a version says nothing.
    private void Take<T>(string method)
        where T : notnull =>
        _connection.On<T>(method, async item =>
        {
            if (await _resumed.Task.ConfigureAwait(false)) IfOpen(() => _events.Received(item));
        });

    private void IfOpen(Action take)
    {
        lock (_gate)
        {
            if (!_ended) take();
        }
    }

    private HubConnection Build(Uri address, Tokens tokens)
    {
        var builder = new HubConnectionBuilder().WithUrl(HubUrl(_options, address), http =>
        {
            if (tokens.IsRenewable) http.AccessTokenProvider = () => Task.FromResult(tokens.Value);
            _options.ConfigureConnection?.Invoke(http);
        });
        if (_options.LoggerFactory is { } loggers) builder.Services.AddSingleton(loggers);
        var language = _options.Protocol ?? new JsonHubProtocol(Options.Create(new JsonHubProtocolOptions { PayloadSerializerOptions = NotifyJson.Options }));
        builder.Services.AddSingleton<IHubProtocol>(new WireOrder(
            language, counts => IfOpen(() => _events.CountsReceived(counts)), () => IfOpen(_events.Reauthenticated)));
        return builder.Build();
    }

    private static Uri HubUrl(NotifyClientOptions options, Uri address)
    {
        var query = new List<string>();
        if (options.User is { } user) query.Add($"user={Uri.EscapeDataString(user)}");
        if (options.Device is { } device) query.Add($"device={Uri.EscapeDataString(device)}");
        var url = ServiceAddress.Root(address) + HubMethods.Path;
        return new Uri(query.Count == 0 ? url : $"{url}?{string.Join("&", query)}");
    }
}
