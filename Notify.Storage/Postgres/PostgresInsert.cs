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
    private readonly NpgsqlParameter<List<Guid>> _ids = ArrayOf<Guid>(NpgsqlDbType.Uuid);
    private readonly NpgsqlParameter<List<short>> _kinds = ArrayOf<short>(NpgsqlDbType.Smallint);
    private readonly NpgsqlParameter<List<long>> _topicIds = ArrayOf<long>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<List<long>> _sequences = ArrayOf<long>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<List<int?>> _topics = ArrayOf<int?>(NpgsqlDbType.Integer);
    private readonly NpgsqlParameter<List<long>> _nths = ArrayOf<long>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<List<ReadOnlyMemory<byte>>> _contents = ArrayOf<ReadOnlyMemory<byte>>(NpgsqlDbType.Bytea);
    private readonly NpgsqlParameter<List<string?>> _names = ArrayOf<string?>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<List<long?>> _ttls = ArrayOf<long?>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<List<string?>> _publishers = ArrayOf<string?>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<List<string?>> _keys = ArrayOf<string?>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<List<ReadOnlyMemory<byte>?>> _hashes = ArrayOf<ReadOnlyMemory<byte>?>(NpgsqlDbType.Bytea);
    private readonly NpgsqlParameter<long> _lastInternal = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
    private readonly NpgsqlParameter<long> _removed = new() { NpgsqlDbType = NpgsqlDbType.Bigint };
    private readonly PostgresAppendColumns _columns = new();
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
        _columns.Fill(entries, topics);
        Bind(batchId, topics);
        await using var reader = await _batch!.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken); // past the lock's
        InsertedPlace? place = await reader.ReadAsync(cancellationToken)
            ? new InsertedPlace(
                reader.GetInt64(0), reader.GetDateTime(1), _columns.SequencesAfter(reader.IsDBNull(2) ? _columns.Sequences : reader.GetFieldValue<long[]>(2)))
            : null;

        // Rows arrive before the commit, and with them nothing is known yet: an error can still follow them.
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        _columns.Clear(); // only here: after an error the connection may still be sending them
        return place;
    }

    public async ValueTask DisposeAsync()
    {
        if (_batch is not null) await _batch.DisposeAsync();
    }

    private void Bind(Guid batchId, PostgresTopics topics)
    {
        (_batchId.TypedValue, _epoch.TypedValue, _asOf.TypedValue) = (batchId, topics.Epoch, topics.AsOf);
        _removed.TypedValue = topics.Removed;
        _lastInternal.TypedValue = _columns.Kinds.FindLastIndex(kind => kind != (short)EntryKind.Notification) + 1;
        (_ids.TypedValue, _kinds.TypedValue, _contents.TypedValue) = (_columns.Ids, _columns.Kinds, _columns.Contents);
        (_topicIds.TypedValue, _sequences.TypedValue) = (_columns.TopicIds, _columns.Sequences);
        (_topics.TypedValue, _nths.TypedValue) = (_columns.Topics, _columns.Nths);
        (_names.TypedValue, _ttls.TypedValue) = (_columns.Names, _columns.Ttls);
        (_publishers.TypedValue, _keys.TypedValue, _hashes.TypedValue) = (_columns.Publishers, _columns.Keys, _columns.Hashes);
    }

    private static NpgsqlParameter<List<T>> ArrayOf<T>(NpgsqlDbType element) => new() { NpgsqlDbType = NpgsqlDbType.Array | element };
}

/// <summary>Where a batch was stored.</summary>
/// <param name="Before">The version before its first one.</param>
/// <param name="At">When; by the database's clock.</param>
/// <param name="Sequences">Of each entry within its topic; 0 for an internal one.</param>
internal sealed record InsertedPlace(long Before, DateTime At, long[] Sequences);
