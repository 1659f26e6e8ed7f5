using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>The connections of one node, each checked for its place in the log's epoch before it is used.</summary>
internal static class PostgresConnections
{
    /// <summary>
    /// Plans must not depend on statistics: they are made while tables are young, kept while the tables grow, and autovacuum
    /// may never have come by. Every statement has one index that serves it, so the others are taken away, and joins are
    /// written, and made, from the few rows that are asked for.
    /// Timeouts end what waits for a table lock with an error from the server, which is a known outcome; the
    /// keepalives free the log's lock when a node disappears in the middle of a batch.
    /// </summary>
    public const string ServerOptions = Plans + Timeouts;

    private const string Plans =
        "-c plan_cache_mode=force_generic_plan -c enable_seqscan=off -c enable_bitmapscan=off -c enable_hashjoin=off " +
        "-c enable_mergejoin=off -c join_collapse_limit=1 -c jit=off -c max_parallel_workers_per_gather=0 ";

    // A node that stops between the two round trips of a change would keep the log's lock: the server ends it.
    private const string Timeouts =
        "-c default_transaction_isolation=read\\ committed -c statement_timeout=5000 -c lock_timeout=4000 " +
        "-c idle_in_transaction_session_timeout=5000 " +
        "-c tcp_keepalives_idle=5 -c tcp_keepalives_interval=2 -c tcp_keepalives_count=3";

    /// <param name="settings">With the installation's schema as their search path.</param>
    /// <param name="known">What the node knows of the log's epoch.</param>
    public static NpgsqlDataSource Create(NpgsqlConnectionStringBuilder settings, KnownHead known)
    {
        var builder = new NpgsqlDataSourceBuilder(Tuned(settings).ConnectionString);
        builder.UsePhysicalConnectionInitializer(
            _ => throw new NotSupportedException("Connections are opened asynchronously."),
            connection => PostgresEpoch.CheckAsync(connection, known));
        return PostgresSettings.Build(builder);
    }

    /// <summary>
    /// A pool of their own for the reads of people, so that many of them never keep the log's waiting. With the log's plans:
    /// left to choose by old statistics, the planner read 52,000 pages for one user's groups. None of these reads changes its
    /// session, so nothing is reset between two of them: that was 0.2 ms of the server and a transaction each time.
    /// </summary>
    public static NpgsqlDataSource CreateForPeople(NpgsqlConnectionStringBuilder settings, KnownHead known) =>
        Create(new NpgsqlConnectionStringBuilder(settings.ConnectionString) { NoResetOnClose = true }, known);

    private static NpgsqlConnectionStringBuilder Tuned(NpgsqlConnectionStringBuilder settings)
    {
        var given = settings.Keys.Cast<string>().ToHashSet(StringComparer.OrdinalIgnoreCase);
        var tuned = new NpgsqlConnectionStringBuilder(settings.ConnectionString)
        {
            Options = $"{settings.Options} {ServerOptions}".Trim(),

            // Longer than the server's own timeouts: it is for a server that is silent.
            CommandTimeout = 10,
            MaxAutoPrepare = 64,
            AutoPrepareMinUsages = 1,
            Enlist = false,

            // The details of an error quote values: topics and keys do not belong in a log.
            IncludeErrorDetail = false,
        };
        PostgresSettings.KeepAlive(tuned);
        if (!given.Contains("Maximum Pool Size"))
            tuned.MaxPoolSize = 10;
        if (!given.Contains("Application Name"))
            tuned.ApplicationName = "notify";
        return tuned;
    }
}
