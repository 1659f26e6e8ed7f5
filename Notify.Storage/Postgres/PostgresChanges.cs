using System.Text.Json;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Batches of changes on an append session's connection: two round trips under the log's lock.</summary>
/// <remarks>
/// The first one takes the lock and reads what the changes ask about; what they come to is decided here, by the code that
/// SQLite uses too; the second one writes and commits. Until that one is sent nothing can have been stored. Between the two
/// the server's own timeout ends a node that has stopped.
/// </remarks>
internal sealed class PostgresChanges(NpgsqlConnection connection)
{
    private const int Attempts = 10;

    /// <summary>Whether the second round trip was begun, so that a lost connection leaves the outcome unknown.</summary>
    public bool IsSubmitted { get; private set; }

    /// <summary>Reads without the lock. Null: there is something to do, or the batch is stored already.</summary>
    public static async Task<ChangeResult?> LookAsync(NpgsqlDataSource people, ChangeBatch changes, CancellationToken cancellationToken)
    {
        if (ChangeScope.Of(changes.Changes).IsWorkedOut) return null;
        await using var batch = people.CreateBatch();
        PostgresChangeState.Ask(batch, changes, locks: false);
        DirectoryState state;
        StoredBatch? stored;
        await using (var reader = await batch.ExecuteReaderAsync(cancellationToken))
            (state, stored) = await PostgresChangeState.ReadAsync(reader, changes, cancellationToken);
        var head = state.Head;
        var decision = ChangeDecision.Make(changes, state);
        if (stored is not null || decision.Entries.Count > 0)
        {
            if (stored is null) await AddUsersAsync(people, decision.NewUsers, cancellationToken);
            return null;
        }

        return new ChangeResult(state.Epoch, head, decision.Outcomes, []);
    }

    /// <summary>Makes the changes; the session forgets or keeps what it knows of topics by the result's place.</summary>
    public async Task<ChangeResult> SubmitAsync(ChangeBatch changes, CancellationToken cancellationToken)
    {
        IsSubmitted = false;
        for (var attempt = 0; attempt < Attempts; attempt++)
        {
            var (state, stored) = await LockAsync(changes, cancellationToken);
            var (epoch, head) = (state.Epoch, state.Head);
            if (stored is not null) return await RepeatAsync(stored, epoch, head, cancellationToken);
            var decision = ChangeDecision.Make(changes, state);
            if (decision.Entries.Count == 0)
            {
                await RollBackAsync(cancellationToken);
                return new ChangeResult(epoch, head, decision.Outcomes, []);
            }

            if (decision.IsWritable)
            {
                var entries = decision.ToLog();
                IsSubmitted = true;
                await PostgresChangeWrites.CommitAsync(connection, changes.Id, head, state.Now, decision, entries, cancellationToken);
                return new ChangeResult(epoch, head + entries.Count, decision.Outcomes, entries);
            }

            // A user that the look had no need of: a concurrent change made this one do something.
            await RollBackAsync(cancellationToken);
            await using var add = AddUsers(decision.NewUsers);
            add.Connection = connection;
            await add.ExecuteNonQueryAsync(cancellationToken);
        }

        throw new StorageUnavailableException("The directory changes faster than these changes can follow; nothing was changed.");
    }

    /// <summary>Ends a transaction that has failed.</summary>
    public async Task RollBackAsync(CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand("ROLLBACK", connection);
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private async Task<(DirectoryState State, StoredBatch? Stored)> LockAsync(ChangeBatch changes, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new("BEGIN"), new(PostgresAppendSql.Lock) } };
        var held = PostgresChangeState.Ask(batch, changes, locks: true);
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        for (var i = 0; i <= held; i++) await reader.NextResultAsync(cancellationToken); // past the locks'; BEGIN has none
        return await PostgresChangeState.ReadAsync(reader, changes, cancellationToken);
    }

    private async Task<ChangeResult> RepeatAsync(StoredBatch stored, Guid epoch, long head, CancellationToken cancellationToken)
    {
        await RollBackAsync(cancellationToken);
        await using var command = new NpgsqlCommand(PostgresChangeSql.ReadEntries, connection)
        {
            Parameters = { new() { Value = stored.First }, new() { Value = stored.Last } },
        };
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        var entries = new List<LogEntry>();
        while (await reader.ReadAsync(cancellationToken))
        {
            entries.Add(new LogEntry
            {
                Version = reader.GetInt64(0),
                Id = reader.GetGuid(1),
                Kind = (EntryKind)reader.GetInt16(2),
                Topic = reader.GetString(3),
                PublishedAt = reader.GetDateTime(4),
                Content = reader.GetFieldValue<byte[]>(5),
            });
        }

        return new ChangeResult(epoch, head, JsonSerializer.Deserialize(stored.Answers, DirectoryJson.Default.ChangeOutcomeArray)!, entries);
    }

    public static async Task AddUsersAsync(NpgsqlDataSource people, IEnumerable<string> names, CancellationToken cancellationToken)
    {
        await using var command = AddUsers(names);
        if (((string[])command.Parameters[0].Value!).Length == 0) return;
        await using var connection = await people.OpenConnectionAsync(cancellationToken);
        command.Connection = connection;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static NpgsqlCommand AddUsers(IEnumerable<string> names) =>
        new(PostgresChangeSql.AddUsers) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = [.. names] } } };
}
