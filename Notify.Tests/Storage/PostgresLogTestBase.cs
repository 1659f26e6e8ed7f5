using System.Text;
using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

/// <summary>A database of its own, and logs (nodes) opened on it that are closed at the end.</summary>
public abstract class PostgresLogTestBase(PostgresCluster cluster) : IAsyncLifetime
{
    private readonly List<INotificationLog> _opened = [];

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected PostgresCluster Cluster => cluster;

    protected string Database { get; private set; } = "";

    public async ValueTask InitializeAsync() => Database = await cluster.CreateDatabaseAsync();

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var log in _opened)
            await log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    protected async Task<INotificationLog> OpenAsync(long partitionSize = PostgresPartitions.DefaultSize, int? port = null)
    {
        var log = await PostgresLog.OpenAsync(
            new() { Postgres = PostgresCluster.ConnectionString(Database, port ?? cluster.Port) }, Stop, partitionSize);
        _opened.Add(log);
        return log;
    }

    protected Task<int> ExecuteAsync(string sql) => cluster.ExecuteAsync(Database, sql);

    protected Task<T> ScalarAsync<T>(string sql) => cluster.ScalarAsync<T>(Database, sql);

    protected static AppendBatch Batch(params NewEntry[] entries) => new(Guid.NewGuid(), entries);

    protected static NewEntry Entry(string topic, string content = "{}") =>
        new() { Id = Guid.CreateVersion7(), Topic = topic, Content = Encoding.UTF8.GetBytes(content) };

    protected static IdempotencyKey Key(string key, string body = "body") =>
        new("key:1", key, System.Security.Cryptography.SHA256.HashData(Encoding.UTF8.GetBytes(body)));

    protected static async Task<List<LogEntry>> ReadAllAsync(INotificationLog log)
    {
        var all = new List<LogEntry>();
        for (var page = await log.ReadAsync(0, 1000, 10_000_000, Stop); ; page = await log.ReadAsync(page.Through, 1000, 10_000_000, Stop))
        {
            all.AddRange(page.Entries);
            if (page.Through >= page.Head.Head)
                return all;
        }
    }

    /// <summary>Until that many backends wait for a lock in this database.</summary>
    protected Task WaitersAsync(long count) => Eventually.TrueAsync(
        async () => await ScalarAsync<long>(
            $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{Database}' AND wait_event_type = 'Lock'") == count,
        $"{count} backends wait for a lock");
}
