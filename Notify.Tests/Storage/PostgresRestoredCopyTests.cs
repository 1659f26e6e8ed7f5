using Notify.Storage;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

/// <summary>A copy of the files, without recovery, looks like the original: same system identifier, same timeline.</summary>
public sealed class PostgresRestoredCopyTests(PostgresCluster shared) : PostgresLogTestBase(shared)
{
    [Fact]
    public async Task A_copy_in_the_databases_place_begins_another_epoch_before_anything_is_appended_or_read()
    {
        await using var original = new PostgresCluster();
        var database = await original.CreateDatabaseAsync();
        var port = original.Port;
        await using var proxy = new TcpProxy(() => port);
        await using var log = await LogStore.OpenAsync(new() { Postgres = PostgresCluster.ConnectionString(database, proxy.Port) }, Stop);
        await log.AppendAsync(Batch(Entry("a")), Stop);

        await using var copy = await original.CopyAsync();
        var lost = await log.AppendAsync(Batch(Entry("a"), Entry("a")), Stop);
        await original.StopAsync(immediate: true);
        await copy.StartAsync();
        port = copy.Port;

        // Past the lost head in one go: a node that only compared heads afterwards would see nothing.
        var batch = Batch(Entry("b"), Entry("b"), Entry("b"), Entry("b"));
        var stored = await Eventually.SucceedsAsync<AppendResult, Exception>(() => log.AppendAsync(batch, Stop), "the copy takes the append");
        Assert.NotEqual(lost.Epoch, stored.Epoch);
        Assert.Equal([2, 3, 4, 5], stored.Stored.Select(entry => entry.Version));
        Assert.Equal(stored.Epoch, (await log.ReadHeadAsync(Stop)).Epoch);
    }

    [Fact]
    public async Task A_crash_that_loses_nothing_is_the_same_epoch()
    {
        await using var cluster = new PostgresCluster();
        var database = await cluster.CreateDatabaseAsync();
        await using var log = await LogStore.OpenAsync(new() { Postgres = cluster.ConnectionString(database) }, Stop);
        var before = await log.AppendAsync(Batch(Entry("a"), Entry("a")), Stop);
        await cluster.RestartAsync(immediate: true);
        var batch = Batch(Entry("a"));
        var after = await Eventually.SucceedsAsync<AppendResult, Exception>(() => log.AppendAsync(batch, Stop), "it answers again");
        Assert.Equal((before.Epoch, 3), (after.Epoch, after.Stored[0].Version));
    }
}
