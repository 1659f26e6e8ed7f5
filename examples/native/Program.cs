using System.Text.Json.Serialization;
using Notify.Client;

// Follows what the first word says, with a handler that gets orders; nothing in it reads a type at run time.
await using var client = new NotifyClient(new NotifyClientOptions
{
    Url = new Uri(Environment.GetEnvironmentVariable("NOTIFY_URL") ?? "http://localhost:5080"),
    Topics = [args.Length > 0 ? args[0] : "#"],
    CursorStore = new FileCursorStore("follow.cursor.json"),
});
client.StateChanged += state => Console.WriteLine($"-- {state.Name}");
client.On("orders/+/paid", ShopJson.Default.OrderPaid, (_, order, _) =>
{
    Console.WriteLine($"order {order.Id} over {order.Total}");
    return Task.CompletedTask;
});
await client.StartAsync();
await foreach (var notification in client.Notifications)
    Console.WriteLine($"#{notification.Version} {notification.Topic}: {notification.Title ?? notification.Body}");

/// <summary>The data of a notification to <c>orders/{id}/paid</c>.</summary>
internal sealed record OrderPaid(int Id, decimal Total);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(OrderPaid))]
internal sealed partial class ShopJson : JsonSerializerContext;
