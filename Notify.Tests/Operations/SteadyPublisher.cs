using System.Collections.Concurrent;
using Notify.Client;
using Notify.Contracts.Publishing;

namespace Notify.Tests.Operations;

/// <summary>One after the other without end, each under its key until it is acknowledged.</summary>
internal sealed class SteadyPublisher : IAsyncDisposable
{
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<long> _acked = [];
    private readonly HttpClient _http;
    private readonly Task _running;

    public SteadyPublisher(Uri server, string topic)
    {
        _http = new HttpClient { BaseAddress = server };
        _running = RunAsync(topic);
    }

    /// <summary>The versions acknowledged so far, in the order of publishing.</summary>
    public long[] Acked => [.. _acked];

    /// <summary>The last one is acknowledged; → all of them.</summary>
    public async Task<long[]> StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
        return Acked;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync(string topic)
    {
        var publisher = new NotifyPublisher(_http, new NotifyPublisherOptions { MaxAttempts = 200, MaxDelay = TimeSpan.FromMilliseconds(200) });
        using var pace = new PeriodicTimer(Pace);
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var answer = await publisher.PublishAsync(new PublishRequest { Topic = topic, Body = $"{i}" }, CancellationToken.None);
            _acked.Enqueue(answer.Version!.Value);
            await pace.WaitForNextTickAsync(CancellationToken.None);
        }
    }
}
