using System.Text.Json;
using Notify.Client;
using Notify.Contracts.Publishing;

namespace DotnetClients;

/// <summary>Publishes orders, one after the other. While the service is away it waits; each is stored once, in order.</summary>
internal static class Backend
{
    public static async Task RunAsync(Uri url, int count)
    {
        using var http = new HttpClient { BaseAddress = url, Timeout = TimeSpan.FromSeconds(5) };
        var publisher = new NotifyPublisher(http);
        for (var id = 1; id <= count; id++)
        {
            var order = new PublishRequest
            {
                Topic = $"orders/{id}/paid",
                Title = $"Order {id} is paid",
                Data = JsonSerializer.SerializeToElement(new OrderPaid(id, id * 10), ShopJson.Default.OrderPaid),
                IdempotencyKey = $"order-{id}-paid", // the order's own: also a backend that was restarted publishes it once
            };
            while (true)
            {
                try
                {
                    var stored = await publisher.PublishAsync(order);
                    Console.WriteLine($"#{stored.Version} {stored.Topic}");
                    break;
                }
                catch (NotifyException e) when (e.IsTransient)
                {
                    Console.WriteLine($"-- {e.Message} Trying again.");
                    await Task.Delay(TimeSpan.FromSeconds(1));
                }
            }
        }
    }
}
