using Notify.Storage.Directory;
using Notify.Storage.Log;
using Npgsql;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>A connection kept for appending: its prepared insert, and what it remembers of topics.</summary>
internal sealed class PostgresAppendSession : IAsyncDisposable
{
    /// <summary>How often one append may turn out not to be storable as it was: keys used meanwhile, topics read anew.</summary>
    private const int Attempts = 10;

    private readonly NpgsqlConnection _connection;
    private readonly PostgresInsert _insert;
    private readonly PostgresChanges _changes;
    private readonly PostgresTopics _topics = new();
    private readonly List<StoredRow> _rows = []; // of the last append, whose answers are read before the next one

    private PostgresAppendSession(NpgsqlConnection connection) =>
        (_connection, _insert, _changes) = (connection, new PostgresInsert(connection), new PostgresChanges(connection));

    /// <inheritdoc cref="PostgresChanges.IsSubmitted"/>
    public bool AreChangesSubmitted => _changes.IsSubmitted;

    public static async Task<PostgresAppendSession> OpenAsync(NpgsqlDataSource connections, CancellationToken cancellationToken)
    {
        var session = new PostgresAppendSession(await connections.OpenConnectionAsync(cancellationToken));
        try
        {
            await session.EndWhenStalledAsync(cancellationToken);
            await session._insert.PrepareAsync(cancellationToken);
            return session;
        }
        catch
        {
            await session.DisposeAsync();
            throw;
        }
    }

    public async Task<AppendAnswers> SubmitAsync(Guid batchId, IReadOnlyList<NewEntry> entries, CancellationToken cancellationToken)
    {
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            if (entries.Count > 0)
            {
                await KnowTopicsAsync(entries, cancellationToken);
                if (await _insert.ExecuteAsync(batchId, entries, _topics, cancellationToken) is { } place) return Stored(entries, place);
            }

            // It was stored before, or some of it is answered already, or the topics were known too little.
            var (answers, isStored) = await ReadAnswersAsync(batchId, entries, cancellationToken);
            NewEntry[] open = [.. entries.Where(entry => entry.Key is not { } key || !answers.ByKey.ContainsKey((key.Publisher, key.Key)))];
            if (isStored || open.Length == 0) return answers;
            if (open.Length < entries.Count) return (await SubmitAsync(batchId, open, cancellationToken)).With(answers);
            _topics.Forget();
        }

        throw new StorageUnavailableException("The log changes faster than this append can follow; nothing was stored.");
    }

    /// <summary>Makes changes in a turn of their own. What is remembered of topics moves along: their sequences stand where they stood.</summary>
    public async Task<ChangeResult> SubmitAsync(ChangeBatch changes, CancellationToken cancellationToken)
    {
        var result = await _changes.SubmitAsync(changes, cancellationToken);
        if (result.Stored.Count > 0 && result.Epoch == _topics.Epoch && !_topics.IsEmpty)
            _topics.Passed(result.Stored[0].Version - 1, result.Stored.Count);
        return result;
    }

    /// <summary>Ends the transaction of changes that the server refused.</summary>
    public Task RollBackAsync(CancellationToken cancellationToken) => _changes.RollBackAsync(cancellationToken);

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
        catch (PostgresException error) when (PostgresErrors.IsRolledBack(error) && PostgresErrors.IsRowError(error))
        {
            return error;
        }
        finally
        {
            await transaction.RollbackAsync(CancellationToken.None);
            _topics.Forget(); // some of it was never there
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _insert.DisposeAsync();
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

    private async Task KnowTopicsAsync(IReadOnlyList<NewEntry> entries, CancellationToken cancellationToken)
    {
        var unknown = _topics.Unknown(entries);
        if (unknown.Length == 0 && !_topics.IsEmpty) return;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            await ReadTopicsAsync(unknown, cancellationToken);
            unknown = Array.FindAll(unknown, name => !_topics.Knows(name));
            if (unknown.Length == 0) return;

            // One was there when it was to be added, and was removed before it was read.
        }

        throw new StorageUnavailableException("Topics are removed faster than this append can follow; nothing was stored.");
    }

    private async Task ReadTopicsAsync(string[] names, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(_connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(PostgresAppendSql.ReadLog),
                new NpgsqlBatchCommand(PostgresAppendSql.AddTopics) { Parameters = { Value(names) } },
                new NpgsqlBatchCommand(PostgresAppendSql.ReadTopics) { Parameters = { Value(names) } },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var (epoch, head, removed) = (reader.GetGuid(0), reader.GetInt64(1), reader.GetInt64(2));
        await reader.NextResultAsync(cancellationToken); // past the topics that were added, which are not told
        var read = new List<(string Name, PostgresTopic Topic)>(names.Length);
        while (await reader.ReadAsync(cancellationToken)) read.Add((reader.GetString(1), new PostgresTopic(reader.GetInt64(0), reader.GetInt64(2))));

        // Not before the commit: a topic that was added and taken back must not be remembered.
        while (await reader.NextResultAsync(cancellationToken))
        {
        }

        _topics.Begin(epoch, head, removed);
        foreach (var (name, topic) in read) _topics.Add(name, topic);
    }

    private AppendAnswers Stored(IReadOnlyList<NewEntry> entries, InsertedPlace place)
    {
        _topics.Appended(entries, place.Before, place.Sequences);
        _rows.Clear();
        var answers = new AppendAnswers { Epoch = _topics.Epoch, Rows = _rows };
        for (var i = 0; i < entries.Count; i++)
        {
            var entry = entries[i];
            var expiresAt = LogLimits.Ttl(entry.TtlSeconds) is { } ttl ? place.At.AddSeconds(ttl) : (DateTime?)null;
            answers.Rows.Add(new StoredRow(place.Before + i + 1, entry.Id, place.Sequences[i], place.At, expiresAt));
            if (entry.Key is { } key)
                answers.ByKey[(key.Publisher, key.Key)] = new FirstAnswer(entry.Id, place.Before + i + 1, entry.Topic, place.At, key.RequestHash.ToArray());
        }

        return answers;
    }

    private async Task<(AppendAnswers Answers, bool IsStored)> ReadAnswersAsync(Guid batchId, IReadOnlyList<NewEntry> entries,
        CancellationToken cancellationToken)
    {
        IdempotencyKey[] keys = [.. entries.Select(entry => entry.Key).OfType<IdempotencyKey>()];
        await using var batch = new NpgsqlBatch(_connection)
        {
            BatchCommands =
            {
                new NpgsqlBatchCommand(PostgresAppendSql.ReadPlace) { Parameters = { Value(batchId) } },
                new NpgsqlBatchCommand(PostgresAppendSql.ReadRows) { Parameters = { Value(batchId) } },
                new NpgsqlBatchCommand(PostgresAppendSql.ReadAnswers)
                {
                    Parameters = { Value(keys.Select(key => key.Publisher).ToArray()), Value(keys.Select(key => key.Key).ToArray()) },
                },
            },
        };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        var answers = new AppendAnswers { Epoch = reader.GetGuid(0) };
        var isStored = reader.GetBoolean(1);

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

        return (answers, isStored);
    }
}
