using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.Http.Connections.Client;
using Microsoft.AspNetCore.SignalR.Client;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>The stock .NET client as an app uses it: WebSockets only, automatic reconnect that never gives up, one number kept.</summary>
internal sealed class ReconnectingFollower : IAsyncDisposable
{
    private readonly HubConnection _connection;
    private readonly string _filter;
    private long? _since;
    private string? _epoch;

    public ReconnectingFollower(Uri server, string filter, Action<HttpConnectionOptions>? configure = null)
    {
        _filter = filter;
        _connection = new HubConnectionBuilder()
            .WithUrl(new Uri(server, "/hubs/notifications"), HttpTransportType.WebSockets, options =>
            {
                options.SkipNegotiation = true;
                configure?.Invoke(options);
            })
            .WithAutomaticReconnect(new ForEver())
            .Build();
        _connection.On<StockNotification>("Notification", notification =>
        {
            _since = notification.Version;
            Received.Add(notification.Version!.Value);
        });
        _connection.On<StockPlace>("CaughtUp", place => (_since, _epoch) = (place.Head, place.Epoch));
        _connection.On<StockGap>("Gap", Gaps.Add);
        _connection.Closed += error =>
        {
            Closed.Add(error);
            return Task.CompletedTask;
        };
        _connection.Reconnected += async id =>
        {
            Reconnected.Add(id);
            try
            {
                await ResumeAsync();
            }
            catch (Exception) when (_connection.State != HubConnectionState.Connected)
            {
                // Cut again meanwhile: the next reconnect resumes.
            }
        };
    }

    public Observed<long> Received { get; } = new();

    public Observed<StockGap> Gaps { get; } = new();

    /// <summary>The client stopped for good, which must not happen.</summary>
    public Observed<Exception?> Closed { get; } = new();

    public Observed<string?> Reconnected { get; } = new();

    public async Task StartAsync()
    {
        await _connection.StartAsync();
        await ResumeAsync();
    }

    public ValueTask DisposeAsync() => _connection.DisposeAsync();

    private async Task ResumeAsync()
    {
        var request = new Dictionary<string, object> { ["topics"] = new[] { _filter } };
        if (_since is { } since) request["since"] = since;
        if (_epoch is { } epoch) request["epoch"] = epoch;
        await _connection.InvokeAsync<StockPlace>("Resume", request);
    }

    private sealed class ForEver : IRetryPolicy
    {
        public TimeSpan? NextRetryDelay(RetryContext retryContext) => TimeSpan.FromMilliseconds(Random.Shared.Next(300));
    }
}
