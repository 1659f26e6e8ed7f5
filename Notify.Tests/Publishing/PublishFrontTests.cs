using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts;
using Notify.Contracts.Publishing;
using Notify.Engine.Configuration;
using Notify.Engine.Publishing;
using Notify.Tests.Access;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Publishing;

/// <summary>What every edge has in common: a request is read, may be published, has its key, and its outcome is counted.</summary>
public sealed class PublishFrontTests : IAsyncDisposable
{
    private static readonly PublishCall Call = new("POST /a", Callers.User("alice", publish: ["orders/#"]));

    private readonly NotifyOptions _options = new();
    private readonly ListLog _log = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Readings _counted;
    private readonly AppendTurn _turn = new();
    private readonly Publisher _publisher;
    private readonly PublishFront _front;

    public PublishFrontTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _counted = new Readings(meters);
        var (options, metrics) = (Options.Create(_options), new PublishingMetrics(meters));
        _publisher = new Publisher(_log, new HandedOver(), _turn, options, metrics, new FakeTimeProvider(), NullLogger<Publisher>.Instance);
        _front = new PublishFront(_publisher, options, metrics);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        await _publisher.StopAsync(patience.Token);
        _publisher.Dispose();
        _turn.Dispose();
        _counted.Dispose();
        await _services.DisposeAsync();
    }

    [Fact]
    public void A_request_is_a_command_with_its_key_or_the_first_rule_it_breaks()
    {
        var prepared = PublishFront.Prepare("""{"topic":"orders/1","body":"x"}"""u8, Call with { HeaderKey = "key" });
        Assert.Equal(("orders/1", "k:key", null), (prepared.Command!.Topic, prepared.Key!.Key, prepared.Refusal));
        Assert.Null(PublishFront.Prepare("""{"topic":"orders/1","body":"x"}"""u8, Call).Key);

        IsRefused(ErrorCodes.InvalidRequest, PublishFront.Prepare("""{"topic":"orders/1","x":1}"""u8, Call));
        IsRefused(ErrorCodes.Forbidden, PublishFront.Prepare("""{"topic":"else/1","body":"x","idempotencyKey":"other"}"""u8, Call with { HeaderKey = "key" }));
        IsRefused(ErrorCodes.InvalidRequest,
            PublishFront.Prepare("""{"topic":"orders/1","body":"x","idempotencyKey":"other"}"""u8, Call with { HeaderKey = "key" }));
    }

    [Fact]
    public void A_record_is_held_to_the_rules_and_to_the_size_of_its_JSON()
    {
        var request = new PublishRequest { Topic = "orders/1", Body = "x" };
        _options.Limits.PayloadBytes = """{"topic":"orders/1","body":"x"}""".Length;
        Assert.Equal("""{"body":"x","priority":"normal","publisher":"alice"}""", Encoding.UTF8.GetString(_front.Prepare(request, Call).Command!.Content.Span));
        IsRefused(ErrorCodes.PayloadTooLarge, _front.Prepare(request with { Body = "xy" }, Call));
        IsRefused(ErrorCodes.InvalidTopic, _front.Prepare(request with { Topic = "+" }, Call));
    }

    [Fact]
    public void Raw_data_is_one_JSON_value()
    {
        var request = new PublishRequest { Topic = "orders/1" };
        Assert.Equal("""{"data":[ 1],"priority":"normal","publisher":"alice"}""",
            Encoding.UTF8.GetString(PublishFront.Prepare(request, "[ 1]"u8, Call).Command!.Content.Span));
        IsRefused(ErrorCodes.InvalidRequest, PublishFront.Prepare(request, "1,\"user\":\"bob\""u8, Call));
        IsRefused(ErrorCodes.InvalidRequest, PublishFront.Prepare(request, "{"u8, Call));
    }

    [Theory]
    [InlineData("", "There is no JSON")]
    [InlineData("[]", "one member 'notifications'")]
    [InlineData("{}", "one member 'notifications'")]
    [InlineData("""{"notifications":{}}""", "one member 'notifications'")]
    [InlineData("""{"notifications":[{}],"more":1}""", "'more' is unknown")]
    [InlineData("""{"notifications":[{}],"notifications":[{}]}""", "there twice")]
    [InlineData("""{"notifications":[]}""", "1 to 2 notifications")]
    [InlineData("""{"notifications":[{},{},{}]}""", "1 to 2 notifications")]
    [InlineData("""{"notifications":[{}]""", "malformed")]
    [InlineData("""{"notifications":[{}]}{}""", "malformed")]
    [InlineData("{\"notifications\":[{\"body\":\"\u00ff\"}]}", "not valid UTF-8")]
    public void A_batch_of_another_shape_is_refused_as_a_whole(string json, string problem)
    {
        _options.Limits.BatchSize = 2;
        var refusal = _front.Prepare(Encoding.Latin1.GetBytes(json), Call, out var items);
        Assert.Equal(ErrorCodes.InvalidRequest, refusal!.Code);
        Assert.Contains(problem, refusal.Detail, StringComparison.Ordinal);
        Assert.Empty(items);
    }

    [Fact]
    public void The_items_of_a_batch_are_read_and_refused_one_by_one()
    {
        var (deep, large) = (new string('[', 100) + new string(']', 100), new string('x', 200));
        _options.Limits.PayloadBytes = 229;
        var json = $$"""
            { "notifications": [ {"topic":"orders/1","body":"x"} , {"topic":"orders/2","data":{{deep}}}, 5, {"topic":"orders/3","body":"{{large}}"},
              {"topic":"else","body":"x"},{"topic":"orders/4","body":"y"}] }
            """;
        Assert.Null(_front.Prepare(Encoding.UTF8.GetBytes(json), Call with { HeaderKey = "key" }, out var items));
        Assert.Equal([null, ErrorCodes.InvalidRequest, ErrorCodes.InvalidRequest, ErrorCodes.PayloadTooLarge, ErrorCodes.Forbidden, null],
            items.Select(item => item.Refusal?.Code));
        Assert.Equal(["orders/1 b:key#0", "orders/4 b:key#5"],
            items.Where(item => item.Refusal is null).Select(item => $"{item.Command!.Topic} {item.Key!.Key}"));
    }

    [Fact]
    public async Task What_was_not_refused_is_stored_together_and_every_outcome_is_in_the_place_of_its_item()
    {
        await _publisher.StartAsync(Cancel);
        var json = """{"notifications":[{"x":1},{"topic":"orders/1","body":"x"},{"topic":"else","body":"x"},{"topic":"orders/2","body":"y"}]}"""u8;
        Assert.Null(_front.Prepare(json, Call, out var items));
        var outcomes = await _front.PublishAsync(items, Cancel);
        Assert.Equal([ErrorCodes.InvalidRequest, "orders/1", ErrorCodes.Forbidden, "orders/2"], outcomes.Select(Said));
        Assert.Equal(2, Assert.Single(_log.Batches).Entries.Count);
        Assert.Equal((1, 1, 2), (Refused(ErrorCodes.InvalidRequest), Refused(ErrorCodes.Forbidden), _counted["notify.published"]));

        Assert.Equal(["orders/1", "orders/2"], (await _front.PublishAsync([items[1], items[3]], Cancel)).Select(Said));
        Assert.Equal([ErrorCodes.Forbidden, ErrorCodes.InvalidRequest], (await _front.PublishAsync([items[2], items[0]], Cancel)).Select(Said));
        Assert.Equal(2, _log.Batches.Count); // nothing was left to store of the last
        Assert.Equal(2, Refused(ErrorCodes.Forbidden));
    }

    [Fact]
    public async Task One_is_published_under_its_key_or_its_refusal_is_counted()
    {
        await _publisher.StartAsync(Cancel);
        var prepared = PublishFront.Prepare("""{"topic":"orders/1","body":"x"}"""u8, Call with { HeaderKey = "key" });
        Assert.Equal(AcceptedAs.Stored, ((PublishOutcome.Accepted)await _front.PublishAsync(prepared, Cancel)).As);
        Assert.Equal(AcceptedAs.Replayed, ((PublishOutcome.Accepted)await _front.PublishAsync(prepared, Cancel)).As);
        Assert.Equal(ErrorCodes.InvalidRequest, Said(await _front.PublishAsync(PublishFront.Prepare("{}"u8, Call), Cancel)));
        Assert.Equal(1, Refused(ErrorCodes.InvalidRequest));
        Assert.Single(_log.Entries);
    }

    private long Refused(string code) => _counted["notify.publish.refused", code];

    private static string Said(PublishOutcome outcome) =>
        outcome is PublishOutcome.Refused refused ? refused.Refusal.Code : ((PublishOutcome.Accepted)outcome).Topic;

    private static void IsRefused(string code, in PreparedPublish prepared)
    {
        Assert.Equal(code, prepared.Refusal?.Code);
        Assert.Null(prepared.Command);
    }
}
