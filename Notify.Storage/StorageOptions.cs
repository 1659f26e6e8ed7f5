namespace Notify.Storage;

/// <summary>Where the log is kept.</summary>
public sealed record StorageOptions
{
    /// <summary>The schema of a new installation on Postgres, unless another one is set.</summary>
    public const string DefaultSchema = "notify";

    /// <summary>A Postgres connection string; null: SQLite.</summary>
    public string? Postgres { get; init; }

    /// <summary>
    /// Postgres: the schema of the tables, made when missing; exactly as it is written. An installation that a version without this
    /// setting made stays where it is until <see cref="LogStore.MoveSchemaAsync"/>.
    /// </summary>
    public string Schema { get; init; } = DefaultSchema;

    /// <summary>The SQLite file; its folder is made when missing.</summary>
    public string SqlitePath { get; init; } = "data/notify.db";

    /// <summary>Bring the schema up to date when the log is opened.</summary>
    public bool MigrateAtStart { get; init; } = true;

    /// <summary>How long inbox items of users' own topics and of groups are kept although the log drops them; at least as long as the log keeps them.</summary>
    public TimeSpan InboxMaxAge { get; init; } = TimeSpan.FromDays(365);

    /// <summary>False: the log must be there already, and nothing is made, neither a file nor a table.</summary>
    public bool MayCreate { get; init; } = true;
}
