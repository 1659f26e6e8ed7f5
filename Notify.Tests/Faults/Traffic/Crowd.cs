using System.Diagnostics;
using Notify.Tests.Faults.Checking;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults.Traffic;

/// <summary>The publishers and subscribers of a run, on one clock.</summary>
/// <param name="nodes">The addresses of all nodes.</param>
/// <param name="door">One address behind which they all are.</param>
/// <param name="random">Decides which client does what.</param>
internal sealed class Crowd(IReadOnlyList<Uri> nodes, Uri mode, Random random) : IAsyncDisposable
{
    private const int RawFollowers = 11;
    private const int ProductFollowers = 11;
    private const int PublisherCount = 6;
    private const int Topics = 5;

    private readonly Stopwatch _clock = Stopwatch.StartNew();

    public List<FaultPublisher> Publishers { get; } = [];

    public List<IFollower> Followers { get; } = [];

    public TimeSpan Now => _clock.Elapsed;

    /// <summary>For one more subscriber, on this clock.</summary>
    public Recorder NewRecorder() => new(_clock);

    public int Acked => Publishers.Sum(publisher => publisher.Acked);

    public IEnumerable<Published> Published => Publishers.SelectMany(publisher => publisher.Published);

    /// <summary>Subscribers first, until they are live; then publishers.</summary>
    public async Task StartAsync(string topic)
    {
        string[] topics = [.. Enumerable.Range(0, Topics).Select(i => $"{topic}/{i}")];
        for (var i = 0; i < RawFollowers + ProductFollowers; i++)
        {
            // Every third follows one topic of the five: what is not its own must not come, and leaves no hole.
            string[] filters = i % 3 == 2 ? [topics[i % topics.Length]] : [$"{topic}/#"];
            var own = i % 3 == 2 ? filters.ToHashSet() : topics.ToHashSet();
            var recorder = new Recorder(_clock);
            Followers.Add(i < RawFollowers
                ? new RawFollower($"raw {i}", nodes, filters, own, recorder, random.Next())
                : new ProductFollower($"product {i}", mode, filters, own, recorder, messagePack: i % 2 == 0));
        }

        await Eventually.TrueAsync(() => Followers.TrueForAll(follower => follower.Recorder.CaughtUp > 0), "all subscribers are live");
        for (var i = 0; i < PublisherCount; i++)
            Publishers.Add(new FaultPublisher($"{topic}-p{i}", nodes, topics, () => Now, random.Next()));
    }

    public async Task AckedMoreAsync(int count)
    {
        var wanted = Acked + count;
        await Eventually.TrueAsync(() => Acked >= wanted, $"{count} more acknowledged");
    }

    /// <summary>Nothing new is published; what was begun may be tried for so long.</summary>
    public Task StopPublishingAsync(TimeSpan patience) => Task.WhenAll(Publishers.Select(publisher => publisher.StopAsync(patience)));

    /// <summary>Waits for deliveries, and does not fail: what has not come within the patience is for the checker to name.</summary>
    public async Task ReceiveAsync(IReadOnlyList<Published> published, TimeSpan patience)
    {
        var deadline = Now + patience;
        while (Now < deadline && !Followers.TrueForAll(follower => HasAll(follower, published)))
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
    }

    /// <summary>Everybody leaves, and hands in what they wrote down.</summary>
    public async Task<IReadOnlyList<Journal>> LeaveAsync()
    {
        await Task.WhenAll(Followers.Select(follower => follower.DisposeAsync().AsTask()));
        Journal[] journals = [.. Followers.Select(follower => follower.Journal)];
        Followers.Clear();
        return journals;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var publisher in Publishers) await publisher.DisposeAsync();
        await LeaveAsync();
    }

    private static bool HasAll(IFollower follower, IReadOnlyList<Published> published) =>
        published.All(it => !follower.Topics.Contains(it.Topic) || follower.Recorder.Has(it.Body));
}
