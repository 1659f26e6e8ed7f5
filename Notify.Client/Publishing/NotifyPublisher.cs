using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Notify.Client.Connection;
using Notify.Contracts.Publishing;
using Notify.Contracts.Wire;

namespace Notify.Client;

/// <summary>
/// Publishes over HTTP. Where a call fails in a way that a repeat may cure (no answer, 429, 502, 503, 504) it is
/// repeated under an idempotency key, so that it is stored once however often it was sent.
/// </summary>
/// <param name="http">
/// Its <see cref="HttpClient.BaseAddress"/> is the service's, and its headers carry the token or key. It stays the
/// caller's to dispose.
/// </param>
/// <param name="options">How often and how long to try; null: the defaults.</param>
public sealed class NotifyPublisher(HttpClient http, NotifyPublisherOptions? options = null)
{
    private const string Path = "api/v1/notifications";

    private readonly NotifyPublisherOptions _options = options ?? new NotifyPublisherOptions();

    /// <summary>
    /// Publishes one notification; completes when it is stored. Without a key of its own it gets one for this call.
    /// An ephemeral one takes no key and is repeated only where the service said it did not take it (429).
    /// </summary>
    /// <exception cref="NotifyException">Refused, or still no answer at the last attempt.</exception>
    public async Task<PublishResult> PublishAsync(PublishRequest notification, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(notification);
        return await SendAsync<PublishResult>(Path, WithKey(notification), notification.Ephemeral != true, cancellationToken);
    }

    /// <summary>
    /// Publishes up to 1,000 notifications; the valid ones are stored together although others are refused. Answers
    /// stand in the order of the notifications, each with its own status.
    /// </summary>
    /// <exception cref="NotifyException">The batch as a whole was refused, or still no answer at the last attempt.</exception>
    public async Task<IReadOnlyList<BatchItemResult>> PublishBatchAsync(
        IReadOnlyList<PublishRequest> notifications, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(notifications);
        // Keys of the items' own and not the header, which would stand for the ephemeral ones too, and those take none.
        var batch = new BatchPublishRequest { Notifications = [.. notifications.Select(WithKey)] };
        var repeatable = notifications.All(notification => notification.Ephemeral != true);
        return (await SendAsync<BatchPublishResult>(Path + "/batch", batch, repeatable, cancellationToken)).Results;
    }

    private static PublishRequest WithKey(PublishRequest notification) =>
        notification.Ephemeral == true || notification.IdempotencyKey is not null
            ? notification
            : notification with { IdempotencyKey = Guid.CreateVersion7().ToString() };

    private async Task<T> SendAsync<T>(string path, object body, bool repeatable, CancellationToken cancellationToken)
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(200), _options.MaxDelay);
        for (var attempt = 1; ; attempt++)
        {
            var (result, refusal, retryAfter) = await TryAsync<T>(path, body, cancellationToken);
            if (refusal is null) return result!;
            var again = refusal.IsTransient && (repeatable || refusal.Status == HttpStatusCode.TooManyRequests);
            if (!again || attempt >= _options.MaxAttempts || retryAfter > _options.MaxRetryAfter) throw refusal;
            // Retry-After is the same earliest moment for all publishers: the jitter is added to it.
            await Task.Delay(retryAfter + backoff.Next(), _options.TimeProvider, cancellationToken);
        }
    }

    private async Task<(T? Result, NotifyException? Refusal, TimeSpan RetryAfter)> TryAsync<T>(
        string path, object body, CancellationToken cancellationToken)
    {
        try
        {
            using var content = JsonContent.Create(body, body.GetType(), options: NotifyJson.Options);
            using var response = await http.PostAsync(new Uri(path, UriKind.Relative), content, cancellationToken);
            if (response.IsSuccessStatusCode)
            {
                var result = await response.Content.ReadFromJsonAsync<T>(NotifyJson.Options, cancellationToken);
                return (result ?? throw new JsonException("null"), null, default);
            }

            var problem = await response.Content.ReadAsByteArrayAsync(cancellationToken);
            var mediaType = response.Content.Headers.ContentType?.MediaType;
            return (default, NotifyException.FromProblem(response.StatusCode, mediaType, problem), RetryAfterOf(response));
        }
        catch (Exception e) when (e is HttpRequestException or IOException
            || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested)) // HttpClient.Timeout
        {
            return (default, new NotifyException(null, "The service gave no answer.", null, e), default);
        }
        catch (JsonException e)
        {
            // A 2xx that is not the service's: a proxy's or another service's page. Nothing a repeat would change.
            throw new NotifyException(null, "The answer is not one of this service.", HttpStatusCode.OK, e);
        }
    }

    private TimeSpan RetryAfterOf(HttpResponseMessage response)
    {
        var header = response.Headers.RetryAfter;
        var wait = header?.Delta ?? header?.Date - _options.TimeProvider.GetUtcNow() ?? TimeSpan.Zero;
        return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
    }
}
