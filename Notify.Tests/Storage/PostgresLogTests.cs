using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>The log's specification on Postgres, with partitions so small that batches cross them.</summary>
public sealed class PostgresLogTests(PostgresCluster cluster) : NotificationLogSpecification
{
    private string? _database;

    protected override async Task<INotificationLog> OpenAsync() =>
        await PostgresLog.OpenAsync(
            new() { Postgres = cluster.ConnectionString(_database ??= await cluster.CreateDatabaseAsync()) }, Stop, partitionSize: 16);

    protected override async Task AgeAsync(long through, TimeSpan by) =>
        await cluster.ExecuteAsync(
            _database!, $"UPDATE notifications SET published_at = published_at - interval '{by.TotalSeconds} seconds' WHERE version <= {through}");
}
