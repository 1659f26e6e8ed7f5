using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Notify.Client.Connection;
using Notify.Contracts.Wire;
using Polly;
using Polly.Retry;

namespace Notify.Client.Api;

/// <summary>Calls of the REST API. What reads, or says the same again, is repeated where waiting helps.</summary>
/// <param name="http">Sends them.</param>
/// <param name="root">Where the service is at this moment.</param>
/// <param name="tokens">The token; null where the HTTP client's own headers carry it.</param>
/// <param name="identity">What every query says: user and device of a service in Development.</param>
/// <param name="timeout">How long one attempt may take.</param>
/// <param name="time">The clock of waits.</param>
internal sealed class RestCalls(HttpClient http, Func<Uri> root, Tokens? tokens, string identity, TimeSpan timeout, TimeProvider time)
{
    private const int Attempts = 4;

    private readonly ResiliencePipeline _repeating = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
    {
        ShouldHandle = new PredicateBuilder().Handle<NotifyException>(e => e.IsTransient),
        MaxRetryAttempts = Attempts - 1,
        DelayGenerator = arguments =>
        {
            var wait = new Backoff(TimeSpan.FromMilliseconds(500 * Math.Pow(2, arguments.AttemptNumber)), TimeSpan.FromSeconds(4)).Next();
            return new ValueTask<TimeSpan?>(wait + ((arguments.Outcome.Exception as NotifyException)?.RetryAfter ?? TimeSpan.Zero));
        },
    }).Build();

    public Task<T> GetAsync<T>(string path, string query, CancellationToken cancellationToken) =>
        RepeatAsync<T>(HttpMethod.Get, path, query, null, cancellationToken);

    public Task<T> RepeatAsync<T>(HttpMethod method, string path, string query, object? body, CancellationToken cancellationToken) =>
        _repeating.ExecuteAsync(token => new ValueTask<T>(OnceAsync<T>(method, path, query, body, token)), cancellationToken).AsTask();

    public async Task<T> OnceAsync<T>(HttpMethod method, string path, string query, object? body, CancellationToken cancellationToken)
    {
        var token = tokens is null ? null : await tokens.GetAsync(null, cancellationToken).ConfigureAwait(false);
        try
        {
            return await SendAsync<T>(method, path, query, body, token, cancellationToken).ConfigureAwait(false);
        }
        catch (NotifyException e) when (e.Status == HttpStatusCode.Unauthorized && tokens is { IsRenewable: true })
        {
            var fresh = await tokens.GetAsync(token, cancellationToken).ConfigureAwait(false);
            if (fresh == token) throw;
            return await SendAsync<T>(method, path, query, body, fresh, cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>A segment of a path.</summary>
    public static string Segment(string name) => Uri.EscapeDataString(name);

    /// <summary>A query of what is given; a list gives one parameter each.</summary>
    public static string Query(params (string Name, object? Value)[] parameters)
    {
        var query = new StringBuilder();
        foreach (var (name, value) in parameters)
        {
            var values = value switch
            {
                null => [],
                string text => [text],
                IEnumerable<string> many => many,
                IFormattable number => [number.ToString(null, System.Globalization.CultureInfo.InvariantCulture)],
                _ => throw new ArgumentException(name),
            };
            foreach (var one in values) query.Append(query.Length == 0 ? "" : "&").Append(name).Append('=').Append(Uri.EscapeDataString(one));
        }

        return query.ToString();
    }

    /// <summary>The body as JSON; its type is one of the contract's.</summary>
    public static HttpContent Json(object body)
    {
        var content = new ByteArrayContent(JsonSerializer.SerializeToUtf8Bytes(body, NotifyJson.Options.GetTypeInfo(body.GetType())));
        content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        return content;
    }

    /// <summary>What a good answer holds; a refusal is thrown.</summary>
    public static async Task<T> AnswerAsync<T>(HttpResponseMessage response, TimeProvider time, CancellationToken cancellationToken)
    {
        var body = await response.Content.ReadAsByteArrayAsync(cancellationToken).ConfigureAwait(false);
        if (!response.IsSuccessStatusCode)
        {
            var header = response.Headers.RetryAfter;
            var wait = header?.Delta ?? header?.Date - time.GetUtcNow();
            throw NotifyException.FromProblem(response.StatusCode, response.Content.Headers.ContentType?.MediaType, body, wait > TimeSpan.Zero ? wait : null);
        }

        if (response.StatusCode == HttpStatusCode.NoContent) return default!;
        try
        {
            return JsonSerializer.Deserialize(body, (JsonTypeInfo<T>)NotifyJson.Options.GetTypeInfo(typeof(T))) ?? throw new JsonException("null");
        }
        catch (JsonException e)
        {
            // A 2xx that is not the service's: a proxy's or another service's page. Nothing a repeat would change.
            throw new NotifyException(null, "The answer is not one of this service.", HttpStatusCode.OK, e);
        }
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, string query, object? body, string? token, CancellationToken cancellationToken)
    {
        var all = identity.Length > 0 && query.Length > 0 ? $"{identity}&{query}" : identity + query;
        using var request = new HttpRequestMessage(method, new Uri($"{ServiceAddress.Root(root())}/api/v1/{path}{(all.Length > 0 ? "?" : "")}{all}"));
        if (token is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        if (body is not null) request.Content = Json(body);
        try
        {
            using var response = await http.SendAsync(request, cancellationToken).WaitAsync(timeout, time, cancellationToken).ConfigureAwait(false);
            return await AnswerAsync<T>(response, time, cancellationToken).ConfigureAwait(false);
        }
        // HttpClient.Timeout
        catch (Exception e) when (e is TimeoutException || (e is OperationCanceledException && !cancellationToken.IsCancellationRequested))
        {
            throw NotifyException.TimedOut("The answer of the service", e);
        }
        catch (Exception e) when (e is HttpRequestException or IOException)
        {
            throw ConnectionFailure.Of(new IOException(e.Message, e), root());
        }
    }
}
