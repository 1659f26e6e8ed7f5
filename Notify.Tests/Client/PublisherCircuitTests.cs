using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Time.Testing;
using Notify.Client;
using Notify.Contracts.Publishing;

namespace Notify.Tests.Client;

public sealed class PublisherCircuitTests : IDisposable
{
    private const string Stored = """{"id":"0198c0de-0000-7000-8000-000000000001","version":7,"topic":"t","publishedAt":"2026-11-23T05:00:00.123Z"}""";

    private readonly Hosts _hosts = new();
    private readonly HttpClient _http;

    public PublisherCircuitTests() => _http = new HttpClient(_hosts);

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task A_dead_address_is_not_tried_by_every_call_and_comes_back_into_use()
    {
        var time = new FakeTimeProvider();
        var publisher = new NotifyPublisher(_http, new NotifyPublisherOptions
        {
            Addresses = [new Uri("http://first.test/sub"), new Uri("http://second.test")],
            FailuresThatBreak = 3,
            TimeProvider = time,
        });
        _hosts.Dead.Add("first.test");
        for (var i = 0; i < 10; i++) await publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token);
        Assert.Equal((3, 10), (_hosts.Asked.Count(host => host == "first.test"), _hosts.Asked.Count(host => host == "second.test")));
        Assert.Contains("/sub/api/v1/notifications", _hosts.Paths);

        _hosts.Dead.Clear();
        _hosts.Asked.Clear();
        time.Advance(TimeSpan.FromSeconds(6));
        for (var i = 0; i < 2; i++) await publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token);
        Assert.Equal(["first.test", "first.test"], _hosts.Asked);
    }

    [Fact]
    public async Task With_one_dead_address_calls_fail_without_asking_it_until_it_may_be_well()
    {
        var time = new FakeTimeProvider();
        var publisher =
            new NotifyPublisher(_http,
            new NotifyPublisherOptions { Addresses = [new Uri("http://first.test")], FailuresThatBreak = 2, MaxAttempts = 1, TimeProvider = time });
        _hosts.Dead.Add("first.test");
        for (var i = 0; i < 5; i++)
            Assert.True((await Assert.ThrowsAsync<NotifyException>(() =>
                publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token))).IsTransient);
        Assert.Equal(2, _hosts.Asked.Count);
    }

    [Fact]
    public async Task An_ephemeral_one_that_may_have_gone_out_does_not_go_out_at_the_next_address_too()
    {
        var publisher = new NotifyPublisher(_http, new NotifyPublisherOptions { Addresses = [new Uri("http://first.test"), new Uri("http://second.test")] });
        _hosts.Dead.Add("first.test");
        await Assert.ThrowsAsync<NotifyException>(() => publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b", Ephemeral = true }, Token));
        Assert.Equal(["first.test"], _hosts.Asked);
    }

    [Fact]
    public async Task A_publish_has_a_span_of_a_producer_with_the_refusals_code()
    {
        var spans = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == NotifyTelemetry.Name,
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = span =>
            {
                lock (spans) spans.Add(span);
            },
        };
        ActivitySource.AddActivityListener(listener);
        var publisher = new NotifyPublisher(_http, new NotifyPublisherOptions { Addresses = [new Uri("http://first.test")] });
        await publisher.PublishAsync(new PublishRequest { Topic = "spans/42", Body = "b" }, Token);
        _hosts.Refuse = true;
        await Assert.ThrowsAsync<NotifyException>(() => publisher.PublishAsync(new PublishRequest { Topic = "spans/43", Body = "b" }, Token));
        Activity[] mine;
        lock (spans) mine = [.. spans.Where(span => span.DisplayName == "publish spans")];
        Assert.Equal([(ActivityKind.Producer, "notify", "spans/42", null), (ActivityKind.Producer, "notify", "spans/43", "forbidden")], mine.Select(span =>
            (span.Kind, span.GetTagItem("messaging.system") as string, span.GetTagItem("messaging.destination.name") as string,
                span.GetTagItem("error.type") as string)));
    }

    [Fact]
    public async Task A_batch_that_fails_on_its_way_says_what_was_answered_before()
    {
        var publisher =
            new NotifyPublisher(_http, new NotifyPublisherOptions { Addresses = [new Uri("http://first.test")], MaxBatchCount = 2, MaxAttempts = 1 });
        _hosts.RefuseAfter = 1;
        PublishRequest[] three = [.. Enumerable.Range(0, 3).Select(i => new PublishRequest { Topic = "t", Body = $"{i}" })];
        var refused = await Assert.ThrowsAsync<NotifyException>(() => publisher.PublishBatchAsync(three, Token));
        Assert.Equal("forbidden", refused.Code);
        Assert.Equal([1, 2], refused.Completed!.Select(result => result.Version));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private sealed class Hosts : HttpMessageHandler
    {
        public HashSet<string> Dead { get; } = [];

        public List<string> Asked { get; } = [];

        public List<string> Paths { get; } = [];

        public bool Refuse { get; set; }

        public int RefuseAfter { get; set; } = int.MaxValue;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Asked.Add(request.RequestUri!.Host);
            Paths.Add(request.RequestUri.AbsolutePath);
            if (Dead.Contains(request.RequestUri.Host)) throw new HttpRequestException("dead");
            if (Refuse || Asked.Count > RefuseAfter)
                return Task.FromResult(new HttpResponseMessage(HttpStatusCode.Forbidden) { Content = new StringContent("""{"code":"forbidden","detail":"no"}""", null, "application/problem+json") });
            var body = request.RequestUri.AbsolutePath.EndsWith("/batch", StringComparison.Ordinal) ? """{"results":[{"status":201,"version":1},{"status":201,"version":2}]}""" : Stored;
            return Task.FromResult(new HttpResponseMessage(HttpStatusCode.Created) { Content = new StringContent(body, null, "application/json") });
        }
    }
}
