using System.Diagnostics;
using Notify.Tests.Faults.Checking;
using Notify.Tests.Faults.Traffic;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>What a fault finds: the stage, the traffic on it, and chance with a seed.</summary>
internal sealed class Ground(FaultStage stage, int seed) : IAsyncDisposable
{
    private const int RawFollowers = 11;
    private const int ProductFollowers = 11;
    private const int Publishers = 6;

    private readonly Stopwatch _clock = Stopwatch.StartNew();
    private readonly List<Destroyed> _destroyed = [];
    private TimeSpan? _healedAt;

    public FaultStage Stage => stage;

    public Random Random { get; } = new(seed);

    public List<FaultPublisher> PublishersAtWork { get; } = [];

    public List<IFollower> Followers { get; } = [];

    public IEnumerable<RawFollower> Raw => Followers.OfType<RawFollower>();

    public TimeSpan Now => _clock.Elapsed;

    public int Acked => PublishersAtWork.Sum(publisher => publisher.Acked);

    public IReadOnlyList<Destroyed> WhatWasDestroyed => _destroyed;

    public TimeSpan HealedAt => _healedAt ?? throw new InvalidOperationException("The fault is not over.");

    public FaultNode AnyNode => stage.Nodes[Random.Next(stage.Nodes.Count)];

    /// <summary>From here on the service should recover; without it, from the end of the fault. The first call counts.</summary>
    public void Healed() => _healedAt ??= Now;

    /// <summary>What was acknowledged since then, until now, is gone from the log.</summary>
    public void DestroyedSince(TimeSpan from) => _destroyed.Add(new Destroyed(from, Now));

    /// <summary>How long the fault itself lasts: the only waits there are.</summary>
    public Task LastsAsync(double seconds) => Task.Delay(TimeSpan.FromSeconds(seconds), TimeProvider.System);

    public async Task AckedMoreAsync(int count)
    {
        var wanted = Acked + count;
        await Eventually.TrueAsync(() => Acked >= wanted, $"{count} more acknowledged");
    }

    /// <summary>The keys of what is in the database (there as <c>k:{key}</c>) and not acknowledged.</summary>
    public async Task<HashSet<string>> StoredUnansweredAsync()
    {
        var stored = await stage.Postgres.ScalarAsync<string[]>(
            stage.Database,
            $"SELECT COALESCE(array_agg(substr(key, 3)), '{{}}') FROM idempotency WHERE key = ANY('{{{string.Join(',', Unanswered().Select(key => $"k:{key}"))}}}')");
        return [.. stored.Intersect(Unanswered())];

        IEnumerable<string> Unanswered() => PublishersAtWork.SelectMany(publisher => publisher.Published).Where(it => it is { Acks.Count: 0, Refused: false }).Select(it => it.Key);
    }

    /// <summary>Subscribers first, until they are live; then publishers.</summary>
    public async Task StartAsync(string topic)
    {
        string[] topics = [.. Enumerable.Range(0, 5).Select(i => $"{topic}/{i}")];
        for (var i = 0; i < RawFollowers + ProductFollowers; i++)
        {
            // Every third follows one topic of the five: what is not its own must not come, and leaves no hole.
            string[] filters = i % 3 == 2 ? [topics[i % topics.Length]] : [$"{topic}/#"];
            var own = i % 3 == 2 ? filters.ToHashSet() : topics.ToHashSet();
            var recorder = new Recorder(_clock);
            Followers.Add(i < RawFollowers
                ? new RawFollower($"raw {i}", stage.Urls, filters, own, recorder, Random.Next())
                : new ProductFollower($"product {i}", stage.Door, filters, own, recorder, messagePack: i % 2 == 0));
        }

        await Eventually.TrueAsync(() => Followers.TrueForAll(follower => follower.Recorder.CaughtUp > 0), "all subscribers are live");
        for (var i = 0; i < Publishers; i++)
            PublishersAtWork.Add(new FaultPublisher($"{topic}-p{i}", stage.Urls, topics, () => Now, Random.Next()));
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var publisher in PublishersAtWork) await publisher.DisposeAsync();
        await Task.WhenAll(Followers.Select(follower => follower.DisposeAsync().AsTask()));
    }
}
