using System.Runtime.Serialization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Notify.Benchmarks.Load;
using Notify.Benchmarks.Options;

namespace Notify.Benchmarks.Peers;

/// <summary>What people write with plain SignalR: groups, and a POST that sends to one. Nothing is stored.</summary>
internal static class StockPeer
{
    private static long _version;

    public static void Run(Arguments line)
    {
        var builder = PeerHost.Create(line);
        builder.Services.AddSignalR().AddMessagePackProtocol();
        var app = builder.Build();
        app.MapHub<StockHub>("/hubs/notifications");
        app.MapGet("/health/ready", () => Results.Ok());
        app.MapPost("/api/v1/notifications", async (StockPublish publish, IHubContext<StockHub> hub, TimeProvider time) =>
        {
            var notification = new StockNotification(
                Interlocked.Increment(ref _version), Guid.CreateVersion7().ToString(), publish.Topic, publish.Body, time.GetUtcNow().ToString("O"));
            await hub.Clients.Group(publish.Topic).SendAsync("Notification", notification);
            return Results.Created($"/api/v1/notifications/{notification.Id}",
                new StockReceipt(notification.Id, notification.Version, publish.Topic, notification.PublishedAt));
        });
        app.Run();
    }
}

internal sealed class StockHub : Hub
{
    public Task Join(string topic) => Groups.AddToGroupAsync(Context.ConnectionId, topic);
}

internal sealed record StockPublish(string Topic, string Body);

internal sealed record StockReceipt(string Id, long Version, string Topic, string PublishedAt);

/// <summary>The members that a small notification of Notify's has.</summary>
[DataContract]
public sealed record StockNotification(
    [property: DataMember(Name = "version")] long Version,
    [property: DataMember(Name = "id")] string Id,
    [property: DataMember(Name = "topic")] string Topic,
    [property: DataMember(Name = "body")] string Body,
    [property: DataMember(Name = "publishedAt")] string PublishedAt);
