using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Notify.Storage.Model;
using SQLitePCL;

namespace Notify.Storage.Sqlite;

/// <summary>Brings the file's schema up to date. Its caller holds the file for this process alone.</summary>
internal static class SqliteSchema
{
    /// <summary>The first migration: which table of migrations is ours.</summary>
    public const string First = "20261123153445_Log";

    /// <summary>The last migration. A start asks for it by one plain query: EF's model alone costs half a second.</summary>
    public const string Current = "20261126004910_RulesByRevision";

    public static void Ensure(SqliteConnection connection, SqliteFile file, StorageOptions options)
    {
        // The file may be another application's too, with migrations of its own in the table of the common name.
        var history = Array.Find([MigrationHistory.Own, MigrationHistory.Common], name => Has(connection, name, First));
        if (history is not null && Has(connection, history, Current)) return;
        if (history is null && !options.MayCreate)
            throw file.Mistake("holds no log of Notify; nothing was changed. Use the settings and the working directory of the service");
        if (!options.MigrateAtStart)
        {
            throw new StorageMisconfiguredException(
                $"The tables in the SQLite file {file.Path} are {(history is null ? "not there" : "not up to date")} and " +
                    "Notify:Storage:MigrateAtStart is false; start once with it set to true.");
        }

        if (history is null) Make(connection, file);
        else Update(connection, history);
    }

    /// <summary>For this very connection.</summary>
    public static SqliteContext Context(SqliteConnection connection, string history) =>
        new(new DbContextOptionsBuilder<SqliteContext>().UseSqlite(connection, sqlite => sqlite.MigrationsHistoryTable(history)).Options);

    private static void Make(SqliteConnection connection, SqliteFile file)
    {
        CheckNames(connection, file);
        using var transaction = connection.BeginTransaction();

        // Not by a command: ALTER TABLE counts as a query there, and what fails after a query is not told.
        SqliteException.ThrowExceptionForRC(raw.sqlite3_exec(connection.Handle, MigrationScript.Sqlite.Text), connection.Handle);
        transaction.Commit();
    }

    // Apart, so that a start which has nothing to update does not load EF at all.
    private static void Update(SqliteConnection connection, string history)
    {
        // EF's own lock is a row: left by a migration that was killed, it would hold up every later start for ever.
        Scalar(connection, """DELETE FROM "__EFMigrationsLock" """);
        using var context = Context(connection, history);
        context.Database.Migrate();
    }

    private static void CheckNames(SqliteConnection connection, SqliteFile file)
    {
        foreach (var table in MigrationScript.Sqlite.Tables)
        {
            if (Scalar(connection, "SELECT name FROM sqlite_schema WHERE name = $name COLLATE NOCASE", table) is string taken)
                throw file.Mistake($"holds a table '{taken}' that is not of Notify; set the path of a file of its own, which is made when it is missing");
        }
    }

    private static bool Has(SqliteConnection connection, string history, string migration) =>
        Scalar(connection, $"""SELECT 1 FROM "{history}" WHERE "MigrationId" = $name""", migration) is not null;

    /// <summary>Null also when the table is missing.</summary>
    private static object? Scalar(SqliteConnection connection, string sql, string? name = null)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        if (name is not null) command.Parameters.AddWithValue("$name", name);
        try
        {
            return command.ExecuteScalar();
        }
        catch (SqliteException error) when (error.SqliteErrorCode == raw.SQLITE_ERROR)
        {
            return null;
        }
    }
}
