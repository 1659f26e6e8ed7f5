using System.Globalization;
using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>The specification of nodes on Postgres.</summary>
public sealed class PostgresNodesTests(PostgresCluster cluster) : NodesSpecification
{
    private string? _database;

    protected override async Task<INotificationLog> OpenAsync() =>
        await PostgresLog.OpenAsync(new() { Postgres = cluster.ConnectionString(_database ??= await cluster.CreateDatabaseAsync()) }, Stop);

    // The database's clock cannot be moved: what is stored becomes older.
    protected override async Task PassAsync(TimeSpan time)
    {
        var seconds = time.TotalSeconds.ToString(CultureInfo.InvariantCulture);
        await cluster.ExecuteAsync(_database!, $"UPDATE nodes SET lease_until = lease_until - interval '{seconds} seconds'");
        await cluster.ExecuteAsync(_database!, $"UPDATE users SET last_seen_at = last_seen_at - interval '{seconds} seconds'");
    }
}
