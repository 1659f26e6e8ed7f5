using System.Text.Json;
using System.Text.Json.Serialization;
using Notify.Client;
using Notify.Contracts;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Client;

public sealed partial class HandlerTests
{
    private static readonly HandlerOptions Fast = new() { RetryDelay = TimeSpan.FromMilliseconds(1), MaxRetryDelay = TimeSpan.FromMilliseconds(5) };

    [Fact]
    public async Task Typed_handlers_get_their_topics_in_order_with_data_read_by_a_generated_context_or_by_reflection()
    {
        await using var service = await ServiceAsync(("orders/1/paid", """{"id":1,"total":9.5}"""), ("orders/2/sent", "{}"), ("orders/3/paid", """{"id":3,"total":1}"""));
        var store = new MemoryCursorStore(new Cursor(0, "e1"));
        await using var client = Make(service, store);
        var seen = new Observed<string>();
        using var generated =
            client.On("orders/+/paid", HandlerShopJson.Default.OrderPaid, (notification, order, _) =>
            Add(seen, $"generated {notification.Version} {order.Id} {order.Total}"));
        using var reflected = client.On<OrderPaid>("orders/#", (notification, order, _) => Add(seen, $"reflected {notification.Version} {order.Id}"));
        await client.StartAsync(Token);
        Assert.Equal(["generated 1 1 9.5", "reflected 1 1", "reflected 2 0", "generated 3 3 1", "reflected 3 3"], await seen.CountAsync(5));
        await Eventually.TrueAsync(() => store.Current == new Cursor(3, "e1"), "the client did not come to it");
    }

    [Fact]
    public async Task A_failed_one_is_handed_over_again_before_anything_after_it()
    {
        await using var service = await ServiceAsync(("a", "1"), ("a", "2"));
        var store = new MemoryCursorStore(new Cursor(0, "e1"));
        await using var client = Make(service, store);
        var seen = new Observed<long>();
        var failures = new Observed<HandlerFailure>();
        client.HandlerFailed += failures.Add;
        using var registration = client.On(
            "a",
            (notification, _) =>
            {
                seen.Add(notification.Version!.Value);
                return seen.Count < 3 ? throw new InvalidOperationException("not yet") : Task.CompletedTask;
            },
            Fast);
        await client.StartAsync(Token);
        Assert.Equal([1, 1, 1, 2], await seen.CountAsync(4));
        Assert.Equal([(1, FailurePolicy.Retry), (2, FailurePolicy.Retry)], failures.Items.Select(failure => (failure.Attempt, failure.Next)));
    }

    [Fact]
    public async Task A_handler_that_skips_goes_on_and_what_it_cannot_read_is_not_tried_again()
    {
        await using var service = await ServiceAsync(("a", "\"text\""), ("a", null), ("a", """{"id":3}"""), ("a", """{"id":4}"""));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(0, "e1")));
        var seen = new Observed<int>();
        var failures = new Observed<HandlerFailure>();
        client.HandlerFailed += failures.Add;
        using var registration = client.On(
            "a",
            HandlerShopJson.Default.OrderPaid,
            (_, order, _) => order.Id == 3 ? throw new InvalidOperationException("three") : Add(seen, order.Id),
            Fast with { OnFailure = FailurePolicy.Skip });
        await client.StartAsync(Token);
        Assert.Equal([4], await seen.CountAsync(1));
        Assert.Equal([(1L, typeof(JsonException)), (2L, typeof(JsonException)), (3L, typeof(InvalidOperationException))],
            failures.Items.Select(failure => (failure.Notification.Version!.Value, failure.Error.GetType())));
    }

    [Fact]
    public async Task A_handler_that_stops_leaves_the_cursor_before_what_it_could_not_handle()
    {
        await using var service = await ServiceAsync(("a", "1"), ("a", "2"), ("a", "3"));
        var store = new MemoryCursorStore(new Cursor(0, "e1"));
        await using (var client = Make(service, store))
        {
            using var registration = client.On(
                "a",
                (notification, _) => notification.Version == 2 ? throw new InvalidOperationException("broken") : Task.CompletedTask,
                Fast with { MaxAttempts = 2 });
            await client.StartAsync(Token);
            await Eventually.TrueAsync(() => client.State is NotifyClientState.Failed, "the client did not come to it");
            var why = ((NotifyClientState.Failed)client.State).Why;
            Assert.Equal("The handler of a failed on a: broken", why.Message);
            Assert.IsType<InvalidOperationException>(why.InnerException);
        }

        Assert.Equal(new Cursor(1, "e1"), store.Current);
    }

    [Fact]
    public async Task Beside_a_reader_handlers_come_first_and_once_also_when_the_loop_is_left_and_begun_again()
    {
        await using var service = await ServiceAsync(("a", "1"), ("a", "2"));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(0, "e1")));
        var seen = new Observed<string>();
        using var registration = client.On("a", (notification, _) => Add(seen, $"handler {notification.Version}"));
        var reading = ReadTwiceAsync(); // it reads before the client starts: what comes is not the client's own to consume
        await client.StartAsync(Token);
        await reading.WaitAsync(Eventually.Patience, Token);
        Assert.Equal(["handler 1", "reader 1", "reader 1", "handler 2", "reader 2"], seen.Items);

        async Task ReadTwiceAsync()
        {
            await foreach (var notification in client.Notifications.WithCancellation(Token))
            {
                seen.Add($"reader {notification.Version}");
                break;
            }

            await foreach (var notification in client.Notifications.WithCancellation(Token))
            {
                seen.Add($"reader {notification.Version}");
                if (notification.Version == 2) break;
            }
        }
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static Task Add<T>(Observed<T> seen, T item)
    {
        seen.Add(item);
        return Task.CompletedTask;
    }

    private static NotifyClient Make(StubService service, ICursorStore store) => new(new NotifyClientOptions
    {
        Url = service.Url,
        CursorStore = store,
        CursorSaveInterval = TimeSpan.Zero,
        MaxReconnectDelay = TimeSpan.FromMilliseconds(50),
    });

    private static Task<StubService> ServiceAsync(params (string Topic, string? Data)[] log) => StubService.StartAsync(request => new StubAnswer(
        new Notify.Contracts.Hub.ResumeResult(log.Length, "e1", request.Since ?? 0, []),
        [
            .. log.Select((item, i) => (object)(StubService.Make(i + 1, item.Topic) with { Data = item.Data is { } data ? JsonElement.Parse(data) : null }))
                .Skip((int)(request.Since ?? 0)),
            new Notify.Contracts.Hub.CaughtUp(log.Length, "e1"),
        ]));

    internal sealed record OrderPaid(int Id, decimal Total);

    [JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
    [JsonSerializable(typeof(OrderPaid))]
    private sealed partial class HandlerShopJson : JsonSerializerContext;
}
