using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Storage.Sqlite;
using Notify.Tests.Fixtures;
using Notify.Tests.Specifications;

namespace Notify.Tests.Rules;

/// <summary>Rules at work on Postgres, by two nodes.</summary>
public sealed class PostgresRulesTests(PostgresCluster cluster) : RulesSpecification
{
    protected override async Task<IReadOnlyList<INotificationLog>> OpenAsync()
    {
        var storage = new Notify.Storage.StorageOptions { Postgres = cluster.ConnectionString(await cluster.CreateDatabaseAsync()) };
        return [await PostgresLog.OpenAsync(storage, Stop), await PostgresLog.OpenAsync(storage, Stop)];
    }
}

/// <summary>Rules at work on SQLite.</summary>
public sealed class SqliteRulesTests : RulesSpecification
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notify-rules-").FullName;

    protected override async Task<IReadOnlyList<INotificationLog>> OpenAsync() =>
        [await SqliteLog.OpenAsync(new() { SqlitePath = Path.Combine(_folder, "log.db") }, Stop)];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
