using System.Net.WebSockets;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>One connection of the stock .NET SignalR client, and all it received.</summary>
internal sealed class StockFollower : IAsyncDisposable
{
    private readonly HubConnection _connection;
    private ClientWebSocket? _socket;

    public StockFollower(Uri server, bool messagePack = false, HttpTransportType transport = HttpTransportType.WebSockets, string query = "")
    {
        var builder = new HubConnectionBuilder().WithUrl(new Uri(server, $"hubs/notifications{query}"), transport, options =>
        {
            if (transport != HttpTransportType.WebSockets) return;
            options.SkipNegotiation = true;
            options.WebSocketFactory = async (context, token) =>
            {
                _socket = new ClientWebSocket();
                await _socket.ConnectAsync(context.Uri, token);
                return _socket;
            };
        });
        if (messagePack) builder.AddMessagePackProtocol();
        _connection = builder.Build();
        _connection.On<StockNotification>("Notification", Received.Add);
        _connection.On<StockPlace>("CaughtUp", CaughtUp.Add);
        _connection.On<StockGap>("Gap", Gaps.Add);
        _connection.Closed += error =>
        {
            Closed.Add(error);
            return Task.CompletedTask;
        };
    }

    public Observed<StockNotification> Received { get; } = new();

    public Observed<StockPlace> CaughtUp { get; } = new();

    public Observed<StockGap> Gaps { get; } = new();

    public Observed<Exception?> Closed { get; } = new();

    /// <summary>Connects and resumes.</summary>
    public async Task<StockPlace> ResumeAsync(long? since, string? epoch, params string[] topics)
    {
        await _connection.StartAsync().WaitAsync(Eventually.Patience);
        // Absent, not null: that is what the contract says of absent values.
        var request = new Dictionary<string, object> { ["topics"] = topics };
        if (since is not null) request["since"] = since;
        if (epoch is not null) request["epoch"] = epoch;
        return await _connection.InvokeAsync<StockPlace>("Resume", request).WaitAsync(Eventually.Patience);
    }

    public Task StartAsync() => _connection.StartAsync().WaitAsync(Eventually.Patience);

    public Task<T> InvokeAsync<T>(string method, object argument) => _connection.InvokeAsync<T>(method, argument).WaitAsync(Eventually.Patience);

    public Task StopAsync() => _connection.StopAsync().WaitAsync(Eventually.Patience);

    /// <summary>The network is gone: no goodbye.</summary>
    public void Abort() => _socket!.Abort();

    public ValueTask DisposeAsync() => _connection.DisposeAsync();
}
