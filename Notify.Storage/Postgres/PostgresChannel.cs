using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>
/// LISTEN/NOTIFY between the nodes on one database: short texts to every node that listens, lost when none does.
/// Uses two connections of its own, one that listens and one that sends.
/// </summary>
/// <remarks>
/// NOTIFY takes a lock of the whole server at commit. It is therefore never part of an append's transaction: there it
/// would put every append of every database behind every other.
/// </remarks>
public sealed class PostgresChannel : IAsyncDisposable
{
    /// <summary>The longest text, in bytes of UTF-8. Postgres takes less than 8,000.</summary>
    public const int TextBytes = 7_900;

    // One per schema: a database may hold several installations.
    private const string NameOf = "SELECT format('notify_%s', to_hex(hashtext($1)))";
    private const string Send = "SELECT pg_notify($1, text) FROM unnest($2::text[]) AS text";

    private readonly string _settings;
    private readonly string _schema;
    private NpgsqlConnection? _sender;
    private string? _senderName;

    /// <param name="connectionString">As for the log.</param>
    /// <param name="schema">As for the log.</param>
    /// <exception cref="StorageMisconfiguredException">It cannot be read.</exception>
    public PostgresChannel(string connectionString, string schema = StorageOptions.DefaultSchema) =>
        (_settings, _schema) = (Tuned(PostgresSettings.Parse(connectionString)).ConnectionString, schema);

    /// <summary>Sends these in one transaction. One caller at a time.</summary>
    /// <exception cref="StorageUnavailableException">They may or may not have been sent.</exception>
    public async Task SendAsync(string[] texts, CancellationToken cancellationToken)
    {
        try
        {
            var sender = _sender ??= await OpenSenderAsync(cancellationToken);
            await using var command = new NpgsqlCommand(Send, sender)
            {
                Parameters = { new NpgsqlParameter<string> { TypedValue = _senderName! }, new NpgsqlParameter<string[]> { TypedValue = texts } },
            };
            await command.ExecuteNonQueryAsync(cancellationToken);
        }
        catch (Exception error)
        {
            await DisposeAsync(); // the next one gets a new connection
            if (PostgresErrors.IsUnavailable(error)) throw PostgresErrors.Unavailable(error);
            throw;
        }
    }

    /// <summary>Listens until the connection ends or it is told to stop.</summary>
    /// <param name="received">Called for each text, in order, with those this process sent itself; must not throw.</param>
    /// <param name="listening">Called when everything that is sent from now on will be received.</param>
    /// <exception cref="StorageUnavailableException">The connection could not be made, or has ended.</exception>
    public async Task ListenAsync(Action<string> received, Action listening, CancellationToken cancellationToken)
    {
        try
        {
            await using var connection = new NpgsqlConnection(_settings);
            connection.Notification += (_, notification) => received(notification.Payload);
            await connection.OpenAsync(cancellationToken);
            var name = await NameAsync(connection, cancellationToken);
            await using (var listen = new NpgsqlCommand($"LISTEN {PostgresPlace.Quote(name)}", connection))
            {
                await listen.ExecuteNonQueryAsync(cancellationToken);
            }

            listening();
            while (true) await connection.WaitAsync(cancellationToken);
        }
        catch (Exception error) when (PostgresErrors.IsUnavailable(error))
        {
            throw PostgresErrors.Unavailable(error);
        }
    }

    /// <summary>Ends the sending connection; the listening one ends with its call.</summary>
    public async ValueTask DisposeAsync()
    {
        if (Interlocked.Exchange(ref _sender, null) is { } sender) await sender.DisposeAsync();
    }

    // Seen from outside only once it is open: a connection that is connecting cannot be closed by another.
    private async Task<NpgsqlConnection> OpenSenderAsync(CancellationToken cancellationToken)
    {
        var sender = new NpgsqlConnection(_settings);
        try
        {
            await sender.OpenAsync(cancellationToken);
            _senderName = await NameAsync(sender, cancellationToken);
            return sender;
        }
        catch
        {
            await sender.DisposeAsync();
            throw;
        }
    }

    // By the schema that the log is in. Before a new installation has been made that is the one it will be in.
    private async Task<string> NameAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        var place = await PostgresPlace.FindAsync(connection, _schema, cancellationToken);
        await using var name = new NpgsqlCommand(NameOf, connection) { Parameters = { new() { Value = place?.Schema ?? _schema } } };
        return (string)(await name.ExecuteScalarAsync(cancellationToken))!;
    }

    private static NpgsqlConnectionStringBuilder Tuned(NpgsqlConnectionStringBuilder settings)
    {
        var tuned = PostgresSettings.Single(settings);
        tuned.CommandTimeout = 5;
        tuned.Timeout = 5;

        // A listener only waits. Without these it would wait for ever on a server that is gone.
        tuned.KeepAlive = 10;
        PostgresSettings.KeepAlive(tuned);

        // A NOTIFY is a transaction, and the same statement every time. What may be lost must not wait for the disk or a
        // synchronous standby, nor make the next append wait behind it.
        tuned.Options = $"{settings.Options} -c synchronous_commit=off".Trim();
        tuned.MaxAutoPrepare = 4;
        tuned.AutoPrepareMinUsages = 1;
        return tuned;
    }
}
