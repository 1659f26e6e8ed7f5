using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Notify.Client;
using Notify.Contracts;
using Notify.Contracts.Publishing;

namespace Notify.Tests.Client;

public sealed class NotifyPublisherTests : IDisposable
{
    private const string Stored = """{"id":"0198c0de-0000-7000-8000-000000000001","version":7,"topic":"t","publishedAt":"2026-11-23T05:00:00.123Z"}""";

    private readonly Answers _answers = new();
    private readonly HttpClient _http;
    private readonly NotifyPublisher _publisher;

    public NotifyPublisherTests()
    {
        _http = new HttpClient(_answers) { BaseAddress = new Uri("http://notify.test") };
        _publisher = new NotifyPublisher(_http, new NotifyPublisherOptions { MaxAttempts = 4, MaxDelay = TimeSpan.FromMilliseconds(5) });
    }

    public void Dispose() => _http.Dispose();

    [Fact]
    public async Task What_may_have_been_stored_is_repeated_byte_for_byte_under_one_key()
    {
        _answers.Then(() => throw new HttpRequestException("cut"));
        _answers.Then(HttpStatusCode.ServiceUnavailable, """{"code":"storage_unavailable","detail":"Try again."}""");
        _answers.Then(HttpStatusCode.BadGateway, "<html>", "text/html");
        _answers.Then(HttpStatusCode.Created, Stored);
        var result = await _publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token);
        Assert.Equal(7, result.Version);
        Assert.Equal(4, _answers.Requests.Count);
        Assert.NotNull(Key(Assert.Single(_answers.Requests.Distinct())));
    }

    [Fact]
    public async Task Two_calls_have_two_keys_and_a_key_of_the_callers_own_is_kept()
    {
        for (var i = 0; i < 3; i++) _answers.Then(HttpStatusCode.Created, Stored);
        await _publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token);
        await _publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token);
        await _publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b", IdempotencyKey = "mine" }, Token);
        Assert.Equal(3, _answers.Requests.Select(Key).Distinct().Count());
        Assert.Equal("mine", Key(_answers.Requests[2]));
    }

    [Fact]
    public async Task A_refusal_is_not_repeated_and_keeps_its_code()
    {
        _answers.Then(HttpStatusCode.BadRequest, """{"code":"invalid_topic","detail":"A topic has no '+'."}""");
        var refused = await Assert.ThrowsAsync<NotifyException>(() => _publisher.PublishAsync(new PublishRequest { Topic = "+", Body = "b" }, Token));
        Assert.Equal((ErrorCodes.InvalidTopic, HttpStatusCode.BadRequest, "A topic has no '+'."), (refused.Code, refused.Status, refused.Message));
        Assert.False(refused.IsTransient);
    }

    [Fact]
    public async Task It_gives_up_after_its_attempts_with_the_last_answer()
    {
        for (var i = 0; i < 4; i++) _answers.Then(HttpStatusCode.TooManyRequests, """{"code":"too_many_requests"}""");
        var refused = await Assert.ThrowsAsync<NotifyException>(() => _publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token));
        Assert.Equal(ErrorCodes.TooManyRequests, refused.Code);
        Assert.True(refused.IsTransient);
        Assert.Equal(4, _answers.Requests.Count);
    }

    [Fact]
    public async Task A_longer_Retry_After_than_one_wants_to_wait_fails_at_once()
    {
        _answers.Then(HttpStatusCode.ServiceUnavailable, """{"code":"storage_unavailable"}""", retryAfter: TimeSpan.FromHours(1));
        await Assert.ThrowsAsync<NotifyException>(() => _publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b" }, Token));
        Assert.Single(_answers.Requests);
    }

    [Fact]
    public async Task An_ephemeral_one_has_no_key_and_is_not_repeated_where_it_may_have_gone_out()
    {
        _answers.Then(HttpStatusCode.ServiceUnavailable, """{"code":"storage_unavailable"}""");
        await Assert.ThrowsAsync<NotifyException>(() => _publisher.PublishAsync(new PublishRequest { Topic = "t", Body = "b", Ephemeral = true }, Token));
        Assert.Null(Key(Assert.Single(_answers.Requests)));
    }

    [Fact]
    public async Task A_batch_gives_every_item_its_key_and_the_results_in_order()
    {
        _answers.Then(() => throw new HttpRequestException("cut"));
        _answers.Then(HttpStatusCode.OK, $$"""{"results":[{"status":201,"version":7},{"status":400,"code":"invalid_topic","detail":"no"}]}""");
        var results =
            await _publisher.PublishBatchAsync([new PublishRequest { Topic = "t", Body = "b" }, new PublishRequest { Topic = "+", Body = "b" }], Token);
        Assert.Equal([201, 400], results.Select(r => r.Status));
        var items = JsonElement.Parse(Assert.Single(_answers.Requests.Distinct())).GetProperty("notifications").EnumerateArray();
        Assert.Equal(2, items.Select(item => item.GetProperty("idempotencyKey").GetString()).Distinct().Count());
    }

    [Theory]
    [InlineData("An unexpected error occurred invoking 'Resume' on the server. HubException: invalid_filter: 'a: b' is none", "invalid_filter",
        "'a: b' is none")]
    [InlineData("forbidden: Ask for a grant.", "forbidden", "Ask for a grant.")]
    [InlineData("Failed to invoke 'Resume' due to an error on the server.", null, "Failed to invoke 'Resume' due to an error on the server.")]
    public void A_hub_error_is_taken_apart_behind_SignalRs_own_words(string text, string? code, string message)
    {
        var exception = NotifyException.From(new Microsoft.AspNetCore.SignalR.HubException(text));
        Assert.Equal((code, message), (exception.Code, exception.Message));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static string? Key(string body) =>
        JsonElement.Parse(body).TryGetProperty("idempotencyKey", out var key) ? key.GetString() : null;

    private sealed class Answers : HttpMessageHandler
    {
        private readonly Queue<Func<HttpResponseMessage>> _answers = new();

        public List<string> Requests { get; } = [];

        public void Then(Func<HttpResponseMessage> answer) => _answers.Enqueue(answer);

        public void Then(HttpStatusCode status, string body, string? mediaType = null, TimeSpan? retryAfter = null)
        {
            mediaType ??= (int)status < 300 ? "application/json" : "application/problem+json";
            Then(() =>
            {
                var answer = new HttpResponseMessage(status) { Content = new StringContent(body, Encoding.UTF8, mediaType) };
                if (retryAfter is { } wait) answer.Headers.RetryAfter = new RetryConditionHeaderValue(wait);
                return answer;
            });
        }

        protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            Requests.Add(await request.Content!.ReadAsStringAsync(cancellationToken));
            return _answers.Dequeue()();
        }
    }
}
