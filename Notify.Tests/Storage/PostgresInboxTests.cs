using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>The inbox's specification on Postgres, with partitions so small that topics cross them and retention drops them.</summary>
public sealed class PostgresInboxTests(PostgresCluster cluster) : InboxSpecification
{
    private string? _database;

    protected override async Task<INotificationLog> OpenAsync() =>
        await PostgresLog.OpenAsync(
            new() { Postgres = cluster.ConnectionString(_database ??= await cluster.CreateDatabaseAsync()), InboxMaxAge = MaxAge }, Stop, partitionSize: 16);

    protected override async Task AgeAsync(long through, TimeSpan by)
    {
        foreach (var table in (string[])["notifications", "inbox_kept"])
        {
            await cluster.ExecuteAsync(
                _database!, $"UPDATE {table} SET published_at = published_at - interval '{by.TotalSeconds} seconds' WHERE version <= {through}");
        }
    }

    protected override async Task ExpireAsync(long version)
    {
        await cluster.ExecuteAsync(_database!, $"UPDATE notifications SET expires_at = 'epoch' WHERE version = {version}");
        await cluster.ExecuteAsync(_database!, $"UPDATE inbox_kept SET expires_at = 'epoch' WHERE version = {version}");
        await cluster.ExecuteAsync(_database!, $"UPDATE inbox_marks SET expires_at = 'epoch' WHERE version = {version}");
    }

    protected override async Task<long> CountRowsAsync(string table) =>
        await cluster.ScalarAsync<long>(_database!, $"SELECT count(*) FROM {table}");
}
