using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Notify.Storage;
using Notify.Storage.Model;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

/// <summary>What makes a new installation is what EF would run. With NOTIFY_GOLDEN=write the scripts are written anew, for review.</summary>
public class MigrationScriptTests
{
    [Fact]
    public void A_new_postgres_is_made_by_what_its_migrations_say()
    {
        using var context = new PostgresContext(new DbContextOptionsBuilder<PostgresContext>()
            .UseNpgsql("Host=nowhere", npgsql => npgsql.MigrationsHistoryTable(MigrationHistory.Own)).Options);
        Check("Postgres", context, MigrationScript.Postgres);
    }

    [Fact]
    public void A_new_file_is_made_by_what_its_migrations_say()
    {
        using var context = new SqliteContext(new DbContextOptionsBuilder<SqliteContext>()
            .UseSqlite("Data Source=nowhere", sqlite => sqlite.MigrationsHistoryTable(MigrationHistory.Own)).Options);
        Check("Sqlite", context, MigrationScript.Sqlite);
    }

    private static void Check(string store, DbContext context, MigrationScript checkedIn)
    {
        var script = context.GetService<IMigrator>().GenerateScript(options: MigrationsSqlGenerationOptions.NoTransactions).ReplaceLineEndings("\n");
        if (Environment.GetEnvironmentVariable("NOTIFY_GOLDEN") == "write")
            File.WriteAllText(Path.Combine(Repository.Root, "Notify.Storage", "Migrations", store, "All.sql"), script);
        Assert.True(script == checkedIn.Text,
            $"Notify.Storage/Migrations/{store}/All.sql is not what the migrations say. Write it anew with NOTIFY_GOLDEN=write and this test.");
        Assert.Equal(
            context.Model.GetEntityTypes().Select(entity => entity.GetTableName()).OfType<string>().Distinct().Order(StringComparer.Ordinal),
            checkedIn.Tables.Order(StringComparer.Ordinal));
    }
}
