using System.Text.Json.Serialization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Notify.Client;
using Notify.Contracts;

namespace DotnetClients;

/// <summary>A worker: its handlers get orders, not JSON, and an order is acknowledged when it is booked.</summary>
internal static class OrderWorker
{
    public static async Task RunAsync(Uri url)
    {
        var builder = Host.CreateApplicationBuilder();
        builder.Services.AddNotifyClient(settings =>
        {
            settings.Url = url;
            settings.Topics.Add("orders/#");
            settings.CursorFile = "worker.cursor.json";
        });
        builder.Services.AddHostedService<PaidOrders>();
        builder.Services.AddHealthChecks().AddNotifyClient();
        await builder.Build().RunAsync();
    }

    /// <summary>Tried three times; an order that cannot be booked stops the worker before it, and nothing is lost.</summary>
    internal sealed class PaidOrders(NotifyClient client)
        : NotificationHandler<OrderPaid>(client, ShopJson.Default.OrderPaid, "orders/+/paid", new HandlerOptions { MaxAttempts = 3 })
    {
        protected override Task HandleAsync(Notification notification, OrderPaid order, CancellationToken cancellationToken)
        {
            Console.WriteLine($"booked order {order.Id} over {order.Total}");
            return Task.CompletedTask;
        }
    }
}

/// <summary>The data of a notification to <c>orders/{id}/paid</c>.</summary>
public sealed record OrderPaid(int Id, decimal Total);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(OrderPaid))]
internal sealed partial class ShopJson : JsonSerializerContext;
