using Notify.Engine.Configuration;
using Notify.Server.Configuration;
using Notify.Server.Hosting;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Presence;

/// <summary>Presence over LISTEN/NOTIFY, whose messages are short.</summary>
public sealed class PostgresPresenceTests(PostgresCluster postgres) : PresenceSpecification
{
    private string _database = "";

    internal override async Task<ClusterSettings> SettingsAsync() => new(postgres.ConnectionString(_database = await postgres.CreateDatabaseAsync()), null);

    protected override async Task<Func<Task>> CutAsync()
    {
        await postgres.ExecuteAsync("postgres", $"ALTER DATABASE {_database} WITH ALLOW_CONNECTIONS false");
        await postgres.ExecuteAsync("postgres", $"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{_database}'");
        return () => postgres.ExecuteAsync("postgres", $"ALTER DATABASE {_database} WITH ALLOW_CONNECTIONS true");
    }
}

/// <summary>Presence over Redis.</summary>
public sealed class RedisPresenceTests : PresenceSpecification
{
    private RedisServer? _redis;

    internal override async Task<ClusterSettings> SettingsAsync()
    {
        _redis = await RedisServer.StartAsync();
        return ClusterSettings.Read(new NotifyOptions { Postgres = "Host=unused;Database=unused", Redis = _redis.ConnectionString }, NotifyHost.OwnProcess);
    }

    protected override async Task<Func<Task>> CutAsync()
    {
        await _redis!.KillAsync();
        return () => Task.CompletedTask;
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            await base.DisposeAsync();
        }
        finally
        {
            if (_redis is not null) await _redis.DisposeAsync();
        }
    }
}
