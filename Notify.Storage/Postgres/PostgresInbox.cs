using Notify.Storage.Inbox;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Inboxes on Postgres: read in snapshots, on the connections of people.</summary>
internal sealed class PostgresInbox(NpgsqlDataSource people) : IInbox
{
    private const int RowsAStep = 2000;

    /// <summary>How often retention may pass by while one reading is made.</summary>
    private const int Attempts = 5;

    private readonly KnownSequences _known = new();

    public Task<T> ReadAsync<T>(IReadOnlyCollection<string> users, Func<IInboxSnapshot, Task<T>> read, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(async () =>
        {
            for (var attempt = 1; ; attempt++)
            {
                await using var connection = await people.OpenConnectionAsync(cancellationToken);
                try
                {
                    var snapshot = await PostgresInboxSnapshot.BeginAsync(connection, users, _known, cancellationToken);
                    var result = await read(snapshot);

                    // A dropped partition is gone for an older snapshot too: the numbers may then lack what it held.
                    var isWhole = await EndAsync(connection, cancellationToken) == snapshot.Head.Oldest;
                    if (isWhole) snapshot.Remember();
                    if (isWhole || attempt == Attempts) return result;
                }
                catch
                {
                    NpgsqlConnection.ClearPool(connection);
                    throw;
                }
            }
        });

    public Task<LogEntry?> FindKeptAsync(Guid id, CancellationToken cancellationToken) => PostgresErrors.ReadAsync(async () =>
    {
        await using var command = people.CreateCommand(PostgresInboxSql.FindKept);
        command.Parameters.Add(new NpgsqlParameter<Guid> { TypedValue = id });
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        return await rows.ReadAsync(cancellationToken) ? PostgresInboxSnapshot.ToEntry(rows) : null;
    });

    /// <summary>What is kept too long, and marks of what is no longer kept; part of the log's sweep.</summary>
    public Task SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken) => PostgresErrors.TranslateOutages(async () =>
    {
        int dropped;
        do
        {
            await using var drop = people.CreateCommand(PostgresInboxSql.DropKept);
            drop.Parameters.Add(new NpgsqlParameter<TimeSpan> { TypedValue = maxAge });
            drop.Parameters.Add(new NpgsqlParameter<long> { TypedValue = RowsAStep });
            dropped = await drop.ExecuteNonQueryAsync(cancellationToken);
        }
        while (dropped == RowsAStep);

        foreach (var sql in (string[])[PostgresInboxSql.ForgetMarks, PostgresInboxSql.ForgetWatermarks])
        {
            int deleted;
            do
            {
                await using var command = people.CreateCommand(sql);
                command.Parameters.Add(new NpgsqlParameter<long> { TypedValue = RowsAStep });
                deleted = await command.ExecuteNonQueryAsync(cancellationToken);
            }
            while (deleted == RowsAStep);
        }

        return true;
    });

    private static async Task<long> EndAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new("COMMIT"), new("SELECT oldest FROM log_head") } };
        await using var reader = await batch.ExecuteReaderAsync(cancellationToken);
        await reader.ReadAsync(cancellationToken);
        return reader.GetInt64(0);
    }
}
