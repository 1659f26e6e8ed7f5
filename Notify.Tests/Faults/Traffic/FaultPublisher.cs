using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Traffic;

/// <summary>
/// Publishes one after the other, each under a key of its own, on whatever node answers, until it is acknowledged. Now and
/// then it repeats one elsewhere, uses a key for something else, or asks for what must be refused.
/// </summary>
internal sealed class FaultPublisher : IAsyncDisposable
{
    private const string GroupTopic = "$group/";

    private static readonly Uri Path = new("api/v1/notifications", UriKind.Relative);
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(15);

    private readonly string _name;
    private readonly IReadOnlyList<Uri> _nodes;
    private readonly IReadOnlyList<string> _topics;
    private readonly Func<TimeSpan> _now;
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly List<Published> _published = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly CancellationTokenSource _giveUp = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1) }) { Timeout = AnswerLimit };
    private readonly Task _running;
    private int _acked;

    public FaultPublisher(string name, IReadOnlyList<Uri> nodes, IReadOnlyList<string> topics, Func<TimeSpan> now, int seed)
    {
        (_name, _nodes, _topics, _now, _random) = (name, nodes, topics, now, new Random(seed));
        _running = RunAsync();
    }

    /// <summary>How many have been acknowledged.</summary>
    public int Acked => Volatile.Read(ref _acked);

    public IReadOnlyList<Published> Published
    {
        get
        {
            lock (_gate) return [.. _published];
        }
    }

    /// <summary>Begins nothing new; the last one may try on for so long.</summary>
    public async Task StopAsync(TimeSpan patience)
    {
        await _stop.CancelAsync();
        _giveUp.CancelAfter(patience);
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await _giveUp.CancelAsync();
        await StopAsync(TimeSpan.Zero);
        _http.Dispose();
        _stop.Dispose();
        _giveUp.Dispose();
    }

    private async Task RunAsync()
    {
        for (var i = 0; !_stop.IsCancellationRequested; i++)
        {
            var (key, topic, body) = ($"{_name}-{i}", _topics[_random.Next(_topics.Count)], $"{_name}/{i}");
            var first = await UntilAnsweredAsync(key, topic, body);
            switch (_random.Next(40))
            {
                case 0 or 1 when first is not null:
                    await UntilAnsweredAsync(key, topic, body, first);
                    break;
                case 2 when first is not null:
                    await UntilAnsweredAsync(key, topic, body + "/another-under-its-key");
                    break;
                case 3:
                    await UntilAnsweredAsync(key + "-bad", topic + "/+", body + "/to-a-bad-topic");
                    break;
            }

            await Task.WhenAny(Task.Delay(Pace, TimeProvider.System, _stop.Token));
        }
    }

    // The same bytes under the same key until there is an answer that means something: stored, or refused for good.
    private async Task<int?> UntilAnsweredAsync(string key, string topic, string body, int? again = null)
    {
        int index;
        lock (_gate)
        {
            index = again ?? _published.Count;
            if (again is null) _published.Add(new Published(_name, key, topic, body, _now(), []));
        }

        while (!_giveUp.IsCancellationRequested)
        {
            var (ack, refused) = await TryAsync(key, topic, body);
            if (ack is null && !refused)
            {
                await Task.WhenAny(Task.Delay(TimeSpan.FromMilliseconds(_random.Next(20, 200)), TimeProvider.System, _giveUp.Token));
                continue;
            }

            lock (_gate)
            {
                var known = _published[index];
                _published[index] = ack is null ? known with { Refused = again is null } : known with { Acks = [.. known.Acks, ack] };
            }

            if (ack is not null) Interlocked.Increment(ref _acked);
            return ack is null ? null : index;
        }

        return null;
    }

    private async Task<(Ack? Ack, bool Refused)> TryAsync(string key, string topic, string body)
    {
        try
        {
            var node = new Uri(_nodes[_random.Next(_nodes.Count)], Path);
            var address = topic.StartsWith(GroupTopic, StringComparison.Ordinal) ? ("group", topic[GroupTopic.Length..]) : ("topic", topic);
            var request = new Dictionary<string, string> { [address.Item1] = address.Item2, ["body"] = body, ["idempotencyKey"] = key };
            using var response = await _http.PostAsJsonAsync(node, request, _giveUp.Token);
            if (response.IsSuccessStatusCode)
            {
                using var answer = JsonDocument.Parse(await response.Content.ReadAsByteArrayAsync(_giveUp.Token));
                var root = answer.RootElement;
                return (new Ack(root.GetProperty("version").GetInt64(), root.GetProperty("id").GetString()!, root.GetProperty("topic").GetString()!, _now()),
                    false);
            }

            return (null, (int)response.StatusCode is >= 400 and < 500 && response.StatusCode != HttpStatusCode.TooManyRequests);
        }
        catch (Exception error) when (error is HttpRequestException or OperationCanceledException or IOException)
        {
            return (null, false); // nobody knows: again
        }
    }
}
