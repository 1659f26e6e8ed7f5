using Microsoft.Extensions.Configuration;
using Notify.Engine.Configuration;
using Notify.Server.Configuration;
using Notify.Server.Hosting;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Cluster;

/// <summary>Without anything between the nodes the log alone joins them.</summary>
public sealed class NoLinkTests : ClusterLinkSpecification
{
    protected override bool Crosses => false;

    internal override Task<ClusterSettings> SettingsAsync() => Task.FromResult(new ClusterSettings(null, null));

    protected override Task CutAsync() => Task.CompletedTask;
}

public sealed class PostgresLinkTests(PostgresCluster postgres) : ClusterLinkSpecification
{
    private string _database = "";

    internal override async Task<ClusterSettings> SettingsAsync() =>
        new(postgres.ConnectionString(_database = await postgres.CreateDatabaseAsync()), null);

    protected override Task CutAsync() =>
        postgres.ExecuteAsync("postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_database}' AND query LIKE 'LISTEN%'");
}

public sealed class RedisLinkTests : ClusterLinkSpecification
{
    private RedisServer? _redis;

    internal override async Task<ClusterSettings> SettingsAsync()
    {
        _redis = await RedisServer.StartAsync();
        return ClusterSettings.Read(new NotifyOptions { Postgres = "Host=unused;Database=unused", Redis = _redis.ConnectionString }, NotifyHost.OwnProcess);
    }

    protected override Task CutAsync() => _redis!.CommandAsync("CLIENT KILL TYPE pubsub");

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await base.DisposeAsync();
        }
        finally
        {
            if (_redis is not null) await _redis.DisposeAsync(); // also when a node fails at its end: nothing stays behind
        }
    }
}
