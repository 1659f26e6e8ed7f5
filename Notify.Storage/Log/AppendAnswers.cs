namespace Notify.Storage.Log;

/// <summary>What is stored under an idempotency key.</summary>
internal readonly record struct FirstAnswer(Guid Id, long Version, string Topic, DateTimeOffset PublishedAt, byte[] RequestHash);

/// <summary>What the store gave an entry.</summary>
internal readonly record struct StoredRow(long Version, Guid Id, long TopicSeq, DateTimeOffset PublishedAt, DateTimeOffset? ExpiresAt);

/// <summary>
/// What is in the store after an append, by entry and by key: as it was just stored, or, after an unknown outcome, read
/// back by batch id. Both give the same result.
/// </summary>
internal sealed class AppendAnswers
{
    public Guid Epoch { get; set; }
    public List<StoredRow> Rows { get; } = [];
    public Dictionary<(string Publisher, string Key), FirstAnswer> ByKey { get; } = [];

    /// <summary>Also what was answered before this append.</summary>
    public AppendAnswers With(AppendAnswers earlier)
    {
        foreach (var (key, answer) in earlier.ByKey)
            ByKey.TryAdd(key, answer);
        return this;
    }

    public AppendResult Tell(AppendBatch batch, IReadOnlyDictionary<int, string> refused)
    {
        var rows = new Dictionary<Guid, StoredRow>(Rows.Count);
        foreach (var row in Rows)
            rows[row.Id] = row;

        var outcomes = new AppendOutcome[batch.Entries.Count];
        var stored = new List<LogEntry>(Rows.Count);
        for (var position = 0; position < outcomes.Length; position++)
        {
            var entry = batch.Entries[position];
            outcomes[position] = refused.TryGetValue(position, out var reason)
                ? new AppendOutcome.Refused(reason)
                : Tell(entry, rows);
            if (outcomes[position] is AppendOutcome.Stored one)
                stored.Add(one.Entry);
        }

        return new AppendResult(Epoch, outcomes, stored);
    }

    private AppendOutcome Tell(NewEntry entry, Dictionary<Guid, StoredRow> rows)
    {
        if (entry.Key is { } key && ByKey.TryGetValue((key.Publisher, key.Key), out var answer))
        {
            if (!key.RequestHash.Span.SequenceEqual(answer.RequestHash))
                return new AppendOutcome.Conflict();
            if (answer.Id != entry.Id || !rows.ContainsKey(entry.Id))
                return new AppendOutcome.Replayed(answer.Id, answer.Version, answer.Topic, answer.PublishedAt);
        }

        // Only a repeat that comes after its batch has aged out of the log finds nothing.
        if (!rows.TryGetValue(entry.Id, out var row))
            return new AppendOutcome.Refused("Retention has dropped it since the first attempt.");

        return new AppendOutcome.Stored(new LogEntry
        {
            Version = row.Version,
            Id = row.Id,
            Kind = entry.Kind,
            Topic = entry.Topic,
            TopicSeq = row.TopicSeq,
            PublishedAt = row.PublishedAt,
            ExpiresAt = row.ExpiresAt,
            Content = entry.Content,
        });
    }
}
