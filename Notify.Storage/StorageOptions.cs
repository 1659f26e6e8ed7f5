namespace Notify.Storage;

/// <summary>Where the log is kept.</summary>
public sealed record StorageOptions
{
    /// <summary>A Postgres connection string; null: SQLite.</summary>
    public string? Postgres { get; init; }

    /// <summary>The SQLite file; its folder is made when missing.</summary>
    public string SqlitePath { get; init; } = "data/notify.db";

    /// <summary>Bring the schema up to date when the log is opened.</summary>
    public bool MigrateAtStart { get; init; } = true;
}
