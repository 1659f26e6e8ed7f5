using Notify.Storage.Log;
using Npgsql;
using NpgsqlTypes;

namespace Notify.Storage.Postgres;

/// <summary>
/// A connection kept for appending, with its commands prepared: one round trip and one implicit transaction an append.
/// </summary>
internal sealed class PostgresAppendSession : IAsyncDisposable
{
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlBatch _batch;

    private readonly NpgsqlParameter<string[]> _newTopics = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<Guid> _insertedBatch = new() { NpgsqlDbType = NpgsqlDbType.Uuid };
    private readonly NpgsqlParameter<Guid> _readBatch = new() { NpgsqlDbType = NpgsqlDbType.Uuid };
    private readonly NpgsqlParameter<Guid[]> _ids = Array<Guid[]>(NpgsqlDbType.Uuid);
    private readonly NpgsqlParameter<short[]> _kinds = Array<short[]>(NpgsqlDbType.Smallint);
    private readonly NpgsqlParameter<string[]> _topics = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<ReadOnlyMemory<byte>[]> _contents = Array<ReadOnlyMemory<byte>[]>(NpgsqlDbType.Bytea);
    private readonly NpgsqlParameter<long?[]> _ttls = Array<long?[]>(NpgsqlDbType.Bigint);
    private readonly NpgsqlParameter<string?[]> _publishers = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string?[]> _keys = Array<string?[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<ReadOnlyMemory<byte>?[]> _hashes = Array<ReadOnlyMemory<byte>?[]>(NpgsqlDbType.Bytea);
    private readonly NpgsqlParameter<string[]> _askedPublishers = Array<string[]>(NpgsqlDbType.Text);
    private readonly NpgsqlParameter<string[]> _askedKeys = Array<string[]>(NpgsqlDbType.Text);

    private PostgresAppendSession(NpgsqlConnection connection)
    {
        _connection = connection;
        _batch = new NpgsqlBatch(connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(PostgresAppendSql.Lock),
                new NpgsqlBatchCommand(PostgresAppendSql.AddTopics) { Parameters = { _newTopics } },
                new NpgsqlBatchCommand(PostgresAppendSql.Insert)
                {
                    Parameters =
                    {
                        _insertedBatch, _ids, _kinds, _topics, _contents, _ttls, _publishers, _keys, _hashes,
                    },
                },
                new NpgsqlBatchCommand(PostgresAppendSql.ReadEpoch),
                new NpgsqlBatchCommand(PostgresAppendSql.ReadRows) { Parameters = { _readBatch } },
                new NpgsqlBatchCommand(PostgresAppendSql.ReadAnswers) { Parameters = { _askedPublishers, _askedKeys } },
            },
        };
    }

    public static async Task<PostgresAppendSession> OpenAsync(NpgsqlDataSource connections, CancellationToken cancellationToken)
    {
        var session = new PostgresAppendSession(await connections.OpenConnectionAsync(cancellationToken));
        try
        {
            await session.EndWhenStalledAsync(cancellationToken);
            await session._batch.PrepareAsync(cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public async Task<AppendAnswers> SubmitAsync(
        Guid batchId, IReadOnlyList<NewEntry> entries, CancellationToken cancellationToken)
    {
        Bind(batchId, entries);
        var answers = new AppendAnswers();
        await using var reader = await _batch.ExecuteReaderAsync(cancellationToken);
        await reader.NextResultAsync(cancellationToken); // past the lock's
        await reader.ReadAsync(cancellationToken);
        answers.Epoch = reader.GetGuid(0);

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            answers.Rows.Add(new StoredRow(
                reader.GetInt64(0), reader.GetGuid(1), reader.GetInt64(2), reader.GetDateTime(3),
                reader.IsDBNull(4) ? null : reader.GetDateTime(4)));
        }

        await reader.NextResultAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            answers.ByKey[(reader.GetString(0), reader.GetString(1))] = new FirstAnswer(
                reader.GetGuid(2), reader.GetInt64(3), reader.GetString(4), reader.GetDateTime(5),
                reader.GetFieldValue<byte[]>(6));
        }

        // Rows arrive before the commit, and with them nothing is known yet: an error can still follow them.
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        return answers;
    }

    /// <summary>The error that these entries would end in, or null; stores nothing.</summary>
    public async Task<PostgresException?> ProbeAsync(IReadOnlyList<NewEntry> entries, CancellationToken cancellationToken)
    {
        await using var transaction = await _connection.BeginTransactionAsync(cancellationToken);
        try
        {
            await SubmitAsync(Guid.NewGuid(), entries, cancellationToken);

            // What is checked at commit would otherwise not be seen by a transaction that never commits.
            await using var check = new NpgsqlCommand("SET CONSTRAINTS ALL IMMEDIATE", _connection);
            await check.ExecuteNonQueryAsync(cancellationToken);
            return null;
        }
        catch (PostgresException error) when (PostgresErrors.IsRolledBack(error) && PostgresErrors.IsOfARow(error))
        {
            return error;
        }
        finally
        {
            await transaction.RollbackAsync(CancellationToken.None);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _batch.DisposeAsync();
        await _connection.DisposeAsync();
    }

    /// <summary>
    /// A node stopped in the middle of sending a batch keeps the lock of the log, and answers keepalives. From version 17
    /// on the server can end such a transaction.
    /// </summary>
    private async Task EndWhenStalledAsync(CancellationToken cancellationToken)
    {
        if (_connection.PostgreSqlVersion.Major < 17)
            return;
        await using var command = new NpgsqlCommand("SET transaction_timeout = '15s'", _connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private void Bind(Guid batchId, IReadOnlyList<NewEntry> entries)
    {
        _insertedBatch.TypedValue = _readBatch.TypedValue = batchId;
        _newTopics.TypedValue =
            [.. entries.Where(entry => entry.Kind == EntryKind.Notification).Select(entry => entry.Topic).Distinct(StringComparer.Ordinal)];
        _ids.TypedValue = [.. entries.Select(entry => entry.Id)];
        _kinds.TypedValue = [.. entries.Select(entry => (short)entry.Kind)];
        _topics.TypedValue = [.. entries.Select(entry => entry.Topic)];
        _contents.TypedValue = [.. entries.Select(entry => entry.Content)];
        _ttls.TypedValue = [.. entries.Select(entry => LogLimits.Ttl(entry.TtlSeconds))];
        _publishers.TypedValue = [.. entries.Select(entry => entry.Key?.Publisher)];
        _keys.TypedValue = [.. entries.Select(entry => entry.Key?.Key)];
        _hashes.TypedValue = [.. entries.Select(entry => entry.Key?.RequestHash)];
        _askedPublishers.TypedValue = [.. entries.Where(entry => entry.Key is not null).Select(entry => entry.Key!.Publisher)];
        _askedKeys.TypedValue = [.. entries.Where(entry => entry.Key is not null).Select(entry => entry.Key!.Key)];
    }

    private static NpgsqlParameter<T> Array<T>(NpgsqlDbType element) =>
        new() { NpgsqlDbType = NpgsqlDbType.Array | element };
}
