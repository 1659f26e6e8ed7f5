namespace Notify.Storage.Model;

/// <summary>The table that names the migrations that have been applied.</summary>
internal static class MigrationHistory
{
    /// <summary>Of new installations: a name that no other application has.</summary>
    public const string Own = "notify_migrations";

    /// <summary>EF's default, of installations that earlier versions made; another application's may be the same table.</summary>
    public const string Common = "__EFMigrationsHistory";
}
