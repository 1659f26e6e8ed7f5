using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Notify.Storage.Model;
using SQLitePCL;

namespace Notify.Storage.Sqlite;

/// <summary>Brings the file's schema up to date. Its caller holds the file for this process alone.</summary>
internal static class SqliteSchema
{
    /// <summary>The last migration. A start asks for it by one plain query: EF's model alone costs half a second.</summary>
    public const string Current = "20261125202955_Directory";

    public static void Ensure(SqliteConnection connection, bool migrate)
    {
        if (Scalar(connection, """SELECT max("MigrationId") FROM "__EFMigrationsHistory" """) is string last
            && string.CompareOrdinal(last, Current) >= 0)
        {
            return;
        }

        if (!migrate)
        {
            throw new StorageMisconfiguredException(
                $"The schema of {connection.DataSource} is not up to date and Notify:Storage:MigrateAtStart is false; start once with it set to true.");
        }

        // EF's own lock is a row: left by a migration that was killed, it would hold up every later start for ever.
        Scalar(connection, """DELETE FROM "__EFMigrationsLock" """);
        using var context = new SqliteContext(new DbContextOptionsBuilder<SqliteContext>().UseSqlite(connection).Options);
        context.Database.Migrate();
    }

    /// <summary>Null also when the table is missing.</summary>
    private static object? Scalar(SqliteConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
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
