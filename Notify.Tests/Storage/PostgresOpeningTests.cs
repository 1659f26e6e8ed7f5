using Microsoft.EntityFrameworkCore;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Storage.Model;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Storage;

/// <summary>Schema, settings, and which epoch of the log it is.</summary>
public sealed class PostgresOpeningTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    [Fact]
    public async Task Several_nodes_that_start_at_once_migrate_once()
    {
        var nodes = await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => OpenAsync()));
        Assert.Equal(await ScalarAsync<long>("SELECT count(DISTINCT \"MigrationId\") FROM notify_migrations"),
            await ScalarAsync<long>("SELECT count(*) FROM notify_migrations"));
        Assert.Single((await Task.WhenAll(nodes.Select(node => node.ReadHeadAsync(Stop)))).Select(head => head.Epoch).Distinct());
    }

    [Fact]
    public void The_schema_that_counts_as_current_is_the_last_migration()
    {
        using var context = new PostgresContextFactory().CreateDbContext([]);
        Assert.Equal(PostgresSchema.Current, context.Database.GetMigrations().Last());
        Assert.False(context.Database.HasPendingModelChanges());
    }

    [Fact]
    public async Task A_missing_schema_is_told_when_migration_is_turned_off()
    {
        var error = await Misconfigured(new() { Postgres = Cluster.ConnectionString(Database), MigrateAtStart = false });
        Assert.Contains("Notify:Storage:MigrateAtStart", error, StringComparison.Ordinal);
        await OpenAsync();
        await using var log = await LogStore.OpenAsync(new() { Postgres = Cluster.ConnectionString(Database), MigrateAtStart = false }, Stop);
    }

    [Theory]
    [InlineData("nonsense")]
    [InlineData("Host=127.0.0.1;Port=many;Database=x;Password=s3cret")]
    [InlineData("Host=127.0.0.1;Colour=s3cret")]
    [InlineData("Database=x;Username=y")]
    public async Task A_setting_that_cannot_be_read_is_named_and_its_password_is_not(string setting)
    {
        var error = await Misconfigured(new() { Postgres = setting });
        Assert.Contains("ConnectionStrings:Postgres", error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_missing_database_and_a_refused_user_are_told_in_one_sentence()
    {
        Assert.Contains("does not exist", await Misconfigured(new() { Postgres = Cluster.ConnectionString("nowhere") }), StringComparison.Ordinal);
        var refused = new NpgsqlConnectionStringBuilder(Cluster.ConnectionString(Database)) { Username = "nobody", Password = "s3cret" };
        var error = await Misconfigured(new() { Postgres = refused.ConnectionString });
        Assert.Contains("'nobody'", error, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_server_that_is_away_is_unavailable_not_misconfigured()
    {
        await using var proxy = new TcpProxy(1);
        await Assert.ThrowsAsync<StorageUnavailableException>(() => LogStore.OpenAsync(
            new() { Postgres = PostgresCluster.ConnectionString(Database, proxy.Port) + ";Timeout=2" }, Stop));
    }

    [Theory]
    [InlineData("timeline = timeline + 1")]
    [InlineData("system_identifier = system_identifier + 1")]
    public async Task A_database_that_was_failed_over_or_restored_is_another_epoch(string difference)
    {
        var log = await OpenAsync();
        var before = (await log.AppendAsync(Batch(Entry("a")), Stop)).Epoch;
        await using (var same = await LogStore.OpenAsync(new() { Postgres = Cluster.ConnectionString(Database) }, Stop))
            Assert.Equal(before, (await same.ReadHeadAsync(Stop)).Epoch);

        await ExecuteAsync($"UPDATE log_head SET {difference}");
        var nodes = await Task.WhenAll(Enumerable.Range(0, 4).Select(_ => OpenAsync()));
        var after = Assert.Single((await Task.WhenAll(nodes.Select(node => node.ReadHeadAsync(Stop)))).Select(head => head.Epoch).Distinct());
        Assert.NotEqual(before, after);
        Assert.Equal(after, (await nodes[0].AppendAsync(Batch(Entry("a")), Stop)).Epoch);
    }

    [Fact]
    public async Task A_standby_is_unavailable_and_once_promoted_another_epoch()
    {
        await using var primary = new PostgresCluster();
        var database = await primary.CreateDatabaseAsync();
        await using var log = await LogStore.OpenAsync(new() { Postgres = primary.ConnectionString(database) }, Stop);
        var before = (await log.AppendAsync(Batch(Entry("a")), Stop)).Epoch;
        await using var standby = await primary.StartStandbyAsync();
        await Assert.ThrowsAsync<StorageUnavailableException>(
            () => LogStore.OpenAsync(new() { Postgres = standby.ConnectionString(database) }, Stop));

        await primary.StopAsync(immediate: true);
        Assert.True(await standby.ScalarAsync<bool>("postgres", "SELECT pg_promote()"));
        await using var promoted = await LogStore.OpenAsync(new() { Postgres = standby.ConnectionString(database) }, Stop);
        var result = await promoted.AppendAsync(Batch(Entry("a")), Stop);
        Assert.NotEqual(before, result.Epoch);
        Assert.Equal(2, Assert.Single(result.Stored).Version);
    }

    private static async Task<string> Misconfigured(StorageOptions options) =>
        (await Assert.ThrowsAsync<StorageMisconfiguredException>(() => LogStore.OpenAsync(options, Stop))).Message;
}
