using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>One server on SQLite for the tests of a class, which keep to topics of their own.</summary>
public sealed class ServerFixture : IAsyncLifetime
{
    internal ServerProcess Server { get; private set; } = null!;

    internal Uri Url => Server.Url;

    public async ValueTask InitializeAsync() => Server = await ServerProcess.StartAsync();

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
    }
}

internal static class Publishing
{
    /// <summary>Publishes as any HTTP client would, and says the version.</summary>
    public static async Task<long> PublishAsync(this ServerProcess server, string topic, string body)
    {
        using var response = await server.Http.PostAsJsonAsync(new Uri("api/v1/notifications", UriKind.Relative), new { topic, body });
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonElement.Parse(text).GetProperty("version").GetInt64();
    }

    /// <summary>All that is stored below a filter, oldest first, page by page.</summary>
    public static async Task<IReadOnlyList<StockNotification>> ReadAllAsync(this ServerProcess server, string filter)
    {
        var all = new List<StockNotification>();
        long next = 0, head;
        do
        {
            var page = await server.Http.GetFromJsonAsync<JsonElement>(
                new Uri($"api/v1/notifications?filter={Uri.EscapeDataString(filter)}&since={next}&limit=1000", UriKind.Relative));
            all.AddRange(page.GetProperty("items").Deserialize<List<StockNotification>>(JsonSerializerOptions.Web)!);
            (next, head) = (page.GetProperty("next").GetInt64(), page.GetProperty("head").GetInt64());
        }
        while (next < head);
        return all;
    }
}
