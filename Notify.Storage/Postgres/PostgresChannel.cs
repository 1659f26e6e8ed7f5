using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>
/// LISTEN/NOTIFY between the nodes on one database: short texts to every node that listens, lost when nobody does.
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
    private const string Name = "format('notify_%s', to_hex(hashtext(coalesce(current_schema(), ''))))";
    private const string Send = $"SELECT pg_notify({Name}, text) FROM unnest($1::text[]) AS text";
    private const string QuotedName = $"SELECT quote_ident({Name})";

    private readonly string _settings;
    private NpgsqlConnection? _sender;

    /// <param name="connectionString">As for the log.</param>
    /// <exception cref="StorageMisconfiguredException">It cannot be read.</exception>
    public PostgresChannel(string connectionString) => _settings = Tuned(PostgresSchema.Parse(connectionString)).ConnectionString;

    /// <summary>Sends these in one transaction. One caller at a time.</summary>
    /// <exception cref="StorageUnavailableException">They may or may not have been sent.</exception>
    public async Task SendAsync(string[] texts, CancellationToken cancellationToken)
    {
        try
        {
            if (_sender is null)
            {
                _sender = new NpgsqlConnection(_settings);
                await _sender.OpenAsync(cancellationToken);
            }

            await using var command = new NpgsqlCommand(Send, _sender) { Parameters = { new NpgsqlParameter<string[]> { TypedValue = texts } } };
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
            await using (var name = new NpgsqlCommand(QuotedName, connection))
            await using (var listen = new NpgsqlCommand($"LISTEN {await name.ExecuteScalarAsync(cancellationToken)}", connection))
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

    private static NpgsqlConnectionStringBuilder Tuned(NpgsqlConnectionStringBuilder settings) => new(settings.ConnectionString)
    {
        Pooling = false,
        Enlist = false,
        CommandTimeout = 5,
        Timeout = 5,

        // A listener only waits. Without these it would wait for ever on a server that is gone.
        KeepAlive = 10,
        TcpKeepAlive = true,
        TcpKeepAliveTime = 5,
        TcpKeepAliveInterval = 2,
        IncludeErrorDetail = false,

        // A NOTIFY is a transaction, and the same statement every time. What may be lost must not wait for the disk or a
        // synchronous standby, nor make the next append wait behind it.
        Options = $"{settings.Options} -c synchronous_commit=off".Trim(),
        MaxAutoPrepare = 4,
        AutoPrepareMinUsages = 1,
    };
}
