namespace Notify.Storage.Log;

/// <summary>What is stored under an idempotency key.</summary>
internal readonly record struct FirstAnswer(Guid Id, long Version, string Topic, DateTimeOffset PublishedAt, ReadOnlyMemory<byte> RequestHash);

/// <summary>What the store gave an entry.</summary>
internal readonly record struct StoredRow(long Version, Guid Id, long TopicSeq, DateTimeOffset PublishedAt, DateTimeOffset? ExpiresAt);

/// <summary>
/// What is in the store after an append, by entry and by key: as it was just stored, or, after an unknown outcome, read
/// back by batch id. Both give the same result.
/// </summary>
internal sealed class AppendAnswers
{
    public Guid Epoch { get; set; }
    public List<StoredRow> Rows { get; init; } = [];
    public Dictionary<(string Publisher, string Key), FirstAnswer> ByKey { get; } = [];

    /// <summary>Also what was answered before this append.</summary>
    public AppendAnswers With(AppendAnswers earlier)
    {
        foreach (var (key, answer) in earlier.ByKey)
            ByKey.TryAdd(key, answer);
        return this;
    }

    public AppendResult ResultOf(AppendBatch batch, IReadOnlyDictionary<int, string> refused)
    {
        var outcomes = new AppendOutcome[batch.Entries.Count];
        var stored = new List<LogEntry>(Rows.Count);
        for (var position = 0; position < outcomes.Length; position++)
        {
            var entry = batch.Entries[position];
            outcomes[position] = refused.TryGetValue(position, out var reason)
                ? new AppendOutcome.Refused(reason)
                : OutcomeOf(entry, stored);
        }

        return new AppendResult(Epoch, outcomes, stored);
    }

    /// <param name="entry">The next one of the batch.</param>
    /// <param name="stored">What was stored of those before it: rows come in the order of the batch.</param>
    private AppendOutcome OutcomeOf(NewEntry entry, List<LogEntry> stored)
    {
        var row = stored.Count < Rows.Count && Rows[stored.Count].Id == entry.Id ? Rows[stored.Count] : (StoredRow?)null;
        if (entry.Key is { } key && ByKey.TryGetValue((key.Publisher, key.Key), out var answer))
        {
            if (!key.RequestHash.Span.SequenceEqual(answer.RequestHash.Span))
                return new AppendOutcome.Conflict();
            if (answer.Id != entry.Id || row is null)
                return new AppendOutcome.Replayed(answer.Id, answer.Version, answer.Topic, answer.PublishedAt);
        }

        // Only a repeat that comes after its batch has aged out of the log finds nothing.
        if (row is not { } found)
            return new AppendOutcome.Refused("Retention has dropped it since the first attempt.");

        var one = new LogEntry
        {
            Version = found.Version,
            Id = found.Id,
            Kind = entry.Kind,
            Topic = entry.Topic,
            TopicSeq = found.TopicSeq,
            PublishedAt = found.PublishedAt,
            ExpiresAt = found.ExpiresAt,
            Content = entry.Content,
        };
        stored.Add(one);
        return new AppendOutcome.Stored(one);
    }
}
