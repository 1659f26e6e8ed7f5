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
    private readonly NpgsqlParameter<long[]> _topicIds = Array<long[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<long[]> _sequences = Array<long[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<int?[]> _topics = Array<int?[]>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<long[]> _nths = Array<long[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<ReadOnlyMemory<byte>[]> _contents = Array<ReadOnlyMemory<byte>[]>(NpgsqlDbType.Bytea);
    private readonly NpgsqlParameter<string?[]> _names = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<long?[]> _ttls = Array<long?[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<string?[]> _publishers = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string?[]> _keys = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<ReadOnlyMemory<byte>?[]> _hashes = Array<ReadOnlyMemory<byte>?[]>(NpgsqlDbType.Bytea);
    private readonly NpgsqlParameter<long> _lastInternal = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
    private readonly NpgsqlParameter<long> _removed = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
    private readonly PostgresBatchTopics _batchTopics = new();
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
                        _batchId, _epoch, _asOf, _ids, _kinds, _topicIds, _sequences, _topics, _nths, _contents, _names, _ttls, _publishers, _keys,
                        _hashes, _lastInternal, _removed,
                    },
                },
            },
        };
        return _batch.PrepareAsync(cancellationToken);
    }

    /// <summary>Null when the batch must not be stored as it is.</summary>
    public async Task<InsertedPlace?> ExecuteAsync(Guid batchId, IReadOnlyList<NewEntry> entries, PostgresTopics topics, CancellationToken cancellationToken)
    {
        var arrays = PostgresAppendArrays.Of(entries, topics, _batchTopics);
        Bind(batchId, arrays, topics);
        await using var reader = await _batch!.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken); // past the lock's
        InsertedPlace? place = await reader.ReadAsync(cancellationToken)
            ? new InsertedPlace(
                reader.GetInt64(0), reader.GetDateTime(1), arrays.SequencesAfter(reader.IsDBNull(2) ? arrays.Sequences : reader.GetFieldValue<long[]>(2)))
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

    private void Bind(Guid batchId, PostgresAppendArrays arrays, PostgresTopics topics)
    {
        (_batchId.TypedValue, _epoch.TypedValue, _asOf.TypedValue) = (batchId, topics.Epoch, topics.AsOf);
        _removed.TypedValue = topics.Removed;
        _lastInternal.TypedValue = System.Array.FindLastIndex(arrays.Kinds, kind => kind != (short)EntryKind.Notification) + 1;
        (_ids.TypedValue, _kinds.TypedValue, _contents.TypedValue) = (arrays.Ids, arrays.Kinds, arrays.Contents);
        (_topicIds.TypedValue, _sequences.TypedValue) = (arrays.TopicIds, arrays.Sequences);
        (_topics.TypedValue, _nths.TypedValue) = (arrays.Topics, arrays.Nths);
        (_names.TypedValue, _ttls.TypedValue) = (arrays.Names, arrays.Ttls);
        (_publishers.TypedValue, _keys.TypedValue, _hashes.TypedValue) = (arrays.Publishers, arrays.Keys, arrays.Hashes);
    }

    private static NpgsqlParameter<T> Array<T>(NpgsqlDbType element) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | element };
}

/// <summary>Where a batch was stored.</summary>
/// <param name="Before">The version before its first one.</param>
/// <param name="At">When; by the database's clock.</param>
/// <param name="Sequences">Of each entry within its topic; 0 for an internal one.</param>
internal sealed record InsertedPlace(long Before, DateTime At, long[] Sequences);
