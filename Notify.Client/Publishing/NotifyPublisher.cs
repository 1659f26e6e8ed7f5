using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Notify.Client.Api;
using Notify.Client.Connection;
using Notify.Client.Observability;
using Notify.Client.Publishing;
using Notify.Contracts.Publishing;
using Notify.Contracts.Topics;
using Notify.Contracts.Wire;
using Polly;
using Polly.Retry;

namespace Notify.Client;

/// <summary>
/// Publishes over HTTP. Where a call fails in a way that a repeat may cure (no answer, 408, 429, 502, 503, 504) it is
/// repeated under an idempotency key, so that it is stored once however often it was sent.
/// </summary>
public sealed class NotifyPublisher
{
    private const string Path = "api/v1/notifications";

    private readonly HttpClient _http;
    private readonly NotifyPublisherOptions _options;
    private readonly ServiceCircuits _circuits;
    private readonly ResiliencePipeline _repeating;

    /// <summary>Makes a publisher; it may be used by many threads, and one for each service is enough.</summary>
    /// <param name="http">
    /// Its <see cref="HttpClient.BaseAddress"/> is the service's, unless the options name addresses, and its headers carry the token
    /// or key. It stays the caller's to dispose.
    /// </param>
    /// <param name="options">How often and how long to try; null: the defaults.</param>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    public NotifyPublisher(HttpClient http, NotifyPublisherOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(http);
        _http = http;
        _options = options ?? new NotifyPublisherOptions();
        if (_options.Problem() is { } problem) throw new ArgumentException(problem, nameof(options));
        _circuits = new ServiceCircuits(_options.Addresses.Count == 0 ? [null]
            : [.. _options.Addresses.Select(address => new Uri(ServiceAddress.Root(address) + "/"))], _options);
        _repeating = Repeating(_options);
    }

    /// <summary>
    /// Publishes one notification; completes when it is stored. Without a key of its own it gets one for this call.
    /// An ephemeral one takes no key and is repeated only where the service said it did not take it (429).
    /// </summary>
    /// <exception cref="NotifyException">Refused, or still no answer at the last attempt.</exception>
    public async Task<PublishResult> PublishAsync(PublishRequest notification, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(notification);
        var body = JsonSerializer.SerializeToUtf8Bytes(WithKey(notification), Type<PublishRequest>());
        return await TracedAsync(
            Destination(notification), 1, () => SendAsync<PublishResult>(Path, body, notification.Ephemeral != true, cancellationToken)).ConfigureAwait(false);
    }

    /// <summary>
    /// Publishes notifications in their order; the valid ones are stored although others are refused. Answers stand in the order of
    /// the notifications, each with its own status. More than fit into one request travel in several, one after the other: those of
    /// one request are stored together.
    /// </summary>
    /// <exception cref="NotifyException">
    /// A request as a whole was refused, or still no answer at the last attempt; <see cref="NotifyException.Completed"/> has the
    /// answers of the requests before it.
    /// </exception>
    public async Task<IReadOnlyList<BatchItemResult>> PublishBatchAsync(
        IReadOnlyList<PublishRequest> notifications, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(notifications);
        var results = new List<BatchItemResult>(notifications.Count);
        // Keys of the items' own and not the header, which would stand for the ephemeral ones too, and those take none.
        foreach (var part in BatchParts.Of(notifications.Select(WithKey), _options.MaxBatchCount, _options.MaxBatchBytes))
        {
            try
            {
                var answer = await TracedAsync(
                    null, part.Count, () => SendAsync<BatchPublishResult>(Path + "/batch", part.Body, part.Repeatable, cancellationToken))
                        .ConfigureAwait(false);
                results.AddRange(answer.Results);
            }
            catch (NotifyException e)
            {
                throw e.After(results);
            }
        }

        return results;
    }

    private static PublishRequest WithKey(PublishRequest notification) =>
        notification.Ephemeral == true || notification.IdempotencyKey is not null
            ? notification
            : notification with { IdempotencyKey = Guid.NewGuid().ToString() };

    private static string? Destination(PublishRequest notification) =>
        notification.Topic ?? (notification.User is { } user ? TopicName.OfUser(user) : notification.Group is { } group ? TopicName.OfGroup(group) : null);

    private static async Task<T> TracedAsync<T>(string? topic, int count, Func<Task<T>> send)
    {
        using var activity = ClientTelemetry.Publish(topic, count);
        var began = Stopwatch.GetTimestamp();
        string? error = null;
        try
        {
            return await send().ConfigureAwait(false);
        }
        catch (Exception e)
        {
            error = (e as NotifyException)?.Code ?? e.GetType().FullName;
            throw;
        }
        finally
        {
            ClientTelemetry.Published(activity, began, count, error);
        }
    }

    private async Task<T> SendAsync<T>(string path, ReadOnlyMemory<byte> body, bool repeatable, CancellationToken cancellationToken)
    {
        var context = ResilienceContextPool.Shared.Get(cancellationToken);
        context.Properties.Set(Repeatable, repeatable);
        try
        {
            return await _repeating.ExecuteAsync(
                attempt => new ValueTask<T>(_circuits.AttemptAsync((address, token) =>
                    TryAsync<T>(address, path, body, token), repeatable, attempt.CancellationToken)),
                context).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async Task<T> TryAsync<T>(Uri? address, string path, ReadOnlyMemory<byte> body, CancellationToken cancellationToken)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, address is null ? new Uri(path, UriKind.Relative) : new Uri(address, path));
            request.Content = new ReadOnlyMemoryContent(body);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
#if NETSTANDARD
            // Elsewhere the HTTP client does it.
            DistributedContextPropagator.Current.Inject(Activity.Current, request, static (backplane, name, value) =>
                ((HttpRequestMessage)backplane!).Headers.TryAddWithoutValidation(name, value));
#endif
            using var response = await _http.SendAsync(request, cancellationToken).ConfigureAwait(false);
            return await RestCalls.AnswerAsync<T>(response, _options.TimeProvider, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested) // HttpClient.Timeout
        {
            throw NotifyException.TimedOut("The answer of the service", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw new NotifyException(null, $"The service gave no answer: {e.GetBaseException().Message}", null, e);
        }
    }

    private static readonly ResiliencePropertyKey<bool> Repeatable = new("notify.repeatable");

    private static ResiliencePipeline Repeating(NotifyPublisherOptions options)
    {
        if (options.MaxAttempts == 1) return ResiliencePipeline.Empty;
        return new ResiliencePipelineBuilder { TimeProvider = options.TimeProvider }.AddRetry(new RetryStrategyOptions
        {
            MaxRetryAttempts = options.MaxAttempts - 1,
            ShouldHandle = arguments => new ValueTask<bool>(
                arguments.Outcome.Exception is NotifyException { IsTransient: true } refusal
                && (refusal.Status == NotifyException.TooManyRequests
                    || (arguments.Context.Properties.TryGetValue(Repeatable, out var repeatable) && repeatable))
                && !(refusal.RetryAfter > options.MaxRetryAfter)),
            DelayGenerator = arguments =>
            {
                // Retry-After is the same earliest moment for all publishers: the jitter is added to it.
                var limit = TimeSpan.FromMilliseconds(200 * Math.Pow(2, Math.Min(arguments.AttemptNumber, 20)));
                var jitter = new Backoff(limit, options.MaxDelay).Next();
                return new ValueTask<TimeSpan?>(jitter + ((arguments.Outcome.Exception as NotifyException)?.RetryAfter ?? TimeSpan.Zero));
            },
        }).Build();
    }

    private static JsonTypeInfo<T> Type<T>() => (JsonTypeInfo<T>)NotifyJson.Options.GetTypeInfo(typeof(T));
}
