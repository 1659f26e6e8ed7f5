using System.Runtime.InteropServices;
using Notify.Storage.Log;
using Npgsql;
using NpgsqlTypes;

namespace Notify.Storage.Postgres;

/// <summary>The prepared append of a connection: the lock, and the insert behind it, in one round trip and one implicit transaction.</summary>
internal sealed class PostgresInsert(NpgsqlConnection connection) : IAsyncDisposable
{
    private readonly NpgsqlParameter<Guid> _batchId = new() { NpgsqlDbType = NpgsqlDbType.Uuid };
    private readonly NpgsqlParameter<Guid> _epoch = new() { NpgsqlDbType = NpgsqlDbType.Uuid };
    private readonly NpgsqlParameter<long> _asOf = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
    private readonly NpgsqlParameter<Guid[]> _ids = Array<Guid[]>(NpgsqlDbType.Uuid);
    private readonly NpgsqlParameter<short[]> _kinds = Array<short[]>(NpgsqlDbType.Smallint);
    private readonly NpgsqlParameter<long?[]> _topicIds = Array<long?[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<long[]> _sequences = Array<long[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<long[]> _nths = Array<long[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<ReadOnlyMemory<byte>[]> _contents = Array<ReadOnlyMemory<byte>[]>(NpgsqlDbType.Bytea);
    private readonly NpgsqlParameter<string?[]> _names = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<long?[]> _ttls = Array<long?[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<string?[]> _publishers = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string?[]> _keys = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<ReadOnlyMemory<byte>?[]> _hashes = Array<ReadOnlyMemory<byte>?[]>(NpgsqlDbType.Bytea);
    private readonly Dictionary<long, long> _nthOfTopic = [];
    private NpgsqlBatch? _batch;

    public Task PrepareAsync(CancellationToken cancellationToken)
    {
        _batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(PostgresAppendSql.Lock),
                new NpgsqlBatchCommand(PostgresAppendSql.Insert)
                {
                    Parameters =
                    {
                        _batchId, _epoch, _asOf, _ids, _kinds, _topicIds, _sequences, _nths, _contents, _names, _ttls, _publishers, _keys, _hashes,
                    },
                },
            },
        };
        return _batch.PrepareAsync(cancellationToken);
    }

    /// <summary>Null when the batch must not be stored as it is.</summary>
    public async Task<InsertedPlace?> ExecuteAsync(Guid batchId, IReadOnlyList<NewEntry> entries, PostgresTopics topics, CancellationToken cancellationToken)
    {
        Bind(batchId, entries, topics);
        await using var reader = await _batch!.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken); // past the lock's
        InsertedPlace? place = await reader.ReadAsync(cancellationToken)
            ? new InsertedPlace(reader.GetInt64(0), reader.GetDateTime(1), reader.IsDBNull(2) ? Own(entries.Count) : reader.GetFieldValue<long[]>(2))
            : null;

        // Rows arrive before the commit, and with them nothing is known yet: an error can still follow them.
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        return place;
    }

    public async ValueTask DisposeAsync()
    {
        if (_batch is not null) await _batch.DisposeAsync();
    }

    /// <summary>The sequences as they were brought: nobody else has appended.</summary>
    private long[] Own(int count)
    {
        var sequences = new long[count];
        for (var i = 0; i < count; i++) sequences[i] = _sequences.TypedValue![i] + _nths.TypedValue![i];
        return sequences;
    }

    private void Bind(Guid batchId, IReadOnlyList<NewEntry> entries, PostgresTopics topics)
    {
        var count = entries.Count;
        var (ids, kinds, topicIds, sequences, nths, contents) = (new Guid[count], new short[count], new long?[count], new long[count], new long[count], new ReadOnlyMemory<byte>[count]);
        _nthOfTopic.Clear();
        for (var i = 0; i < count; i++)
        {
            var entry = entries[i];
            (ids[i], kinds[i], contents[i]) = (entry.Id, (short)entry.Kind, entry.Content);
            if (entry.Kind != EntryKind.Notification) continue; // no topic, and sequence 0
            var topic = topics.Find(entry.Topic);
            (topicIds[i], sequences[i]) = (topic.Id, topic.Sequence);
            nths[i] = ++CollectionsMarshal.GetValueRefOrAddDefault(_nthOfTopic, topic.Id, out _);
        }

        (_batchId.TypedValue, _epoch.TypedValue, _asOf.TypedValue) = (batchId, topics.Epoch, topics.AsOf);
        (_ids.TypedValue, _kinds.TypedValue, _topicIds.TypedValue, _sequences.TypedValue, _nths.TypedValue, _contents.TypedValue) =
            (ids, kinds, topicIds, sequences, nths, contents);

        // What most batches have none of is left empty: unnest fills up with nulls.
        _names.TypedValue = Rare(entries, entry => entry.Kind != EntryKind.Notification || entry.Key is not null, entry => entry.Topic);
        _ttls.TypedValue = Rare(entries, entry => entry.TtlSeconds is not null, entry => LogLimits.Ttl(entry.TtlSeconds));
        _publishers.TypedValue = Rare(entries, entry => entry.Key is not null, entry => entry.Key?.Publisher);
        _keys.TypedValue = Rare(entries, entry => entry.Key is not null, entry => entry.Key?.Key);
        _hashes.TypedValue = Rare(entries, entry => entry.Key is not null, entry => entry.Key?.RequestHash);
    }

    private static T[] Rare<T>(IReadOnlyList<NewEntry> entries, Func<NewEntry, bool> has, Func<NewEntry, T> value)
    {
        for (var i = 0; i < entries.Count; i++)
        {
            if (has(entries[i])) return [.. entries.Select(value)];
        }

        return [];
    }

    private static NpgsqlParameter<T> Array<T>(NpgsqlDbType element) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | element };
}

/// <summary>Where a batch was stored.</summary>
/// <param name="Before">The version before its first one.</param>
/// <param name="At">When; by the database's clock.</param>
/// <param name="Sequences">Of each entry within its topic; 0 for an internal one.</param>
internal sealed record InsertedPlace(long Before, DateTime At, long[] Sequences);
