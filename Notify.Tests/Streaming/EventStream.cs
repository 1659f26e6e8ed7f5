using System.Globalization;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Streaming;

/// <summary>An event stream as a plain HTTP client reads it.</summary>
internal sealed class EventStream : IDisposable
{
    private readonly HttpResponseMessage _response;
    private readonly CancellationTokenSource _done = new();

    private EventStream(HttpResponseMessage response, Stream body)
    {
        _response = response;
        Ended = ReadAsync(body);
    }

    public Observed<Event> Events { get; } = new();

    /// <summary>The server has ended it, or the connection broke.</summary>
    public Task Ended { get; }

    /// <summary>Lines that begin with a colon.</summary>
    public Observed<string> Comments { get; } = new();

    /// <param name="http">A client of the service.</param>
    /// <param name="query">After <c>?</c>, such as <c>filter=orders/%23</c>.</param>
    /// <param name="lastEventId">What a browser that comes back sends.</param>
    public static async Task<EventStream> OpenAsync(HttpClient http, string query, string? lastEventId = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri($"api/v1/stream?{query}", UriKind.Relative));
        if (lastEventId is not null) request.Headers.Add("Last-Event-ID", lastEventId);
        var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal("text/event-stream", response.Content.Headers.ContentType?.MediaType);
        return new EventStream(response, await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken));
    }

    /// <remarks>
    /// The read is cancelled first, which cuts the connection. Disposing the response alone would drain it, beside the read, for two
    /// seconds; when the server ended the stream meanwhile, both would return the connection, and two requests would then share it.
    /// </remarks>
    public void Dispose()
    {
        _done.Cancel();
        _response.Dispose();
    }

    private async Task ReadAsync(Stream body)
    {
        using var reader = new StreamReader(body);
        string? name = null, data = null;
        long? id = null;
        try
        {
            while (await reader.ReadLineAsync(_done.Token) is { } line)
            {
                if (line.Length == 0)
                {
                    if (name is not null) Events.Add(new Event(name, id, data ?? ""));
                    (name, data, id) = (null, null, null);
                }
                else if (line[0] == ':') Comments.Add(line);
                else if (line.StartsWith("event: ", StringComparison.Ordinal)) name = line[7..];
                else if (line.StartsWith("data: ", StringComparison.Ordinal)) data = line[6..];
                else if (line.StartsWith("id: ", StringComparison.Ordinal)) id = long.Parse(line[4..], CultureInfo.InvariantCulture);
            }
        }
        catch (Exception end) when (end is IOException or ObjectDisposedException or OperationCanceledException)
        {
            // The test is done with it, or the server is gone.
        }

        Events.Complete();
    }
}

/// <summary>One event.</summary>
internal sealed record Event(string Name, long? Id, string Data);
