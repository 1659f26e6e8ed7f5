using Notify.Storage.Log;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Storage;

public sealed class PostgresRetentionTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    private static readonly TimeSpan Day = TimeSpan.FromDays(1);

    [Fact]
    public async Task Partitions_wholly_below_the_oldest_version_are_dropped_and_the_one_with_the_head_stays()
    {
        var log = await OpenAsync(partitionSize: 10);
        for (var i = 0; i < 9; i++)
            await log.AppendAsync(Batch([.. Enumerable.Range(0, 5).Select(n => Entry($"t{n}"))]), Stop);
        await AgeAsync(25);
        Assert.Equal((45L, 26L), Place(await log.SweepAsync(Day, Stop)));
        Assert.Equal(21, await ScalarAsync<long>("SELECT min(version) FROM notifications"));

        await AgeAsync(45);
        Assert.Equal((45L, 46L), Place(await log.SweepAsync(Day, Stop)));
        Assert.Equal(41, await ScalarAsync<long>("SELECT min(version) FROM notifications"));
        var next = (await log.AppendAsync(Batch(Entry("t3"), Entry("new")), Stop)).Stored;

        // All of them were removed: what comes begins above what any of them had.
        Assert.Equal([(46L, 10L), (47L, 10L)], next.Select(entry => (entry.Version, entry.TopicSeq)));
    }

    [Fact]
    public async Task A_topics_sequence_goes_on_after_all_of_its_rows_are_dropped()
    {
        var log = await OpenAsync(partitionSize: 10);
        await log.AppendAsync(Batch(Entry("rare"), Entry("rare")), Stop);
        for (var i = 0; i < 6; i++)
            await log.AppendAsync(Batch([.. Enumerable.Range(0, 5).Select(_ => Entry("busy"))]), Stop);
        await AgeAsync(32);
        await log.SweepAsync(Day, Stop);
        Assert.Equal(0, await ScalarAsync<long>("SELECT count(*) FROM notifications JOIN topics ON topics.id = topic_id WHERE topics.name = 'rare'"));

        // Nothing is left of either, so their rows are gone too, and where they stood is known of all together.
        Assert.Equal(31, Assert.Single((await log.AppendAsync(Batch(Entry("rare")), Stop)).Stored).TopicSeq);
        Assert.Equal(31, Assert.Single((await log.AppendAsync(Batch(Entry("busy")), Stop)).Stored).TopicSeq);
    }

    [Fact]
    public async Task A_sweep_behind_a_long_reader_records_the_oldest_and_holds_up_no_append()
    {
        var log = await OpenAsync(partitionSize: 10);
        for (var i = 0; i < 5; i++)
            await log.AppendAsync(Batch([.. Enumerable.Range(0, 10).Select(_ => Entry("a"))]), Stop);
        await AgeAsync(45);

        await using (var reader = await Cluster.ConnectAsync(Database))
        await using (await reader.BeginTransactionAsync(Stop))
        {
            await new NpgsqlCommand("SELECT count(*) FROM notifications", reader).ExecuteNonQueryAsync(Stop);
            var sweeping = log.SweepAsync(Day, Stop);
            for (var i = 0; !sweeping.IsCompleted; i++)
                await log.AppendAsync(Batch(Entry("a")), Stop);
            Assert.Equal(46, (await sweeping).Oldest);
            Assert.Equal(1, await ScalarAsync<long>("SELECT min(version) FROM notifications"));
            await log.AppendAsync(Batch(Entry("a")), Stop);
        }

        await log.SweepAsync(Day, Stop);
        Assert.Equal(41, await ScalarAsync<long>("SELECT min(version) FROM notifications"));
    }

    [Fact]
    public async Task Sweeps_of_several_nodes_during_appends_lose_no_sequence()
    {
        var nodes = await Task.WhenAll(Enumerable.Range(0, 3).Select(_ => OpenAsync(partitionSize: 20)));
        var sequences = new List<long>();
        var appending = Task.WhenAll(nodes.Select(async node =>
        {
            for (var i = 0; i < 60; i++)
            {
                var result = await node.AppendAsync(Batch(Entry("a"), Entry($"b{i}"), Entry("a")), Stop);
                lock (sequences)
                    sequences.AddRange(result.Stored.Where(entry => entry.Topic == "a").Select(entry => entry.TopicSeq));
            }
        }));
        while (!appending.IsCompleted)
            await Task.WhenAll(nodes.Select(node => node.SweepAsync(TimeSpan.Zero, Stop)));
        await appending;
        Assert.Equal(Enumerable.Range(1, 360).Select(i => (long)i), sequences.Order());
        Assert.Equal(540, (await nodes[0].ReadHeadAsync(Stop)).Head);
    }

    [Fact]
    public async Task Old_answers_are_forgotten_but_never_the_last_append()
    {
        var log = await OpenAsync();
        await log.AppendAsync(Batch(Entry("a") with { Key = Key("old") }), Stop);
        await log.AppendAsync(Batch(Entry("a") with { Key = Key("older") }), Stop);
        await ExecuteAsync("UPDATE appends SET appended_at = appended_at - interval '26 hours'");
        await ExecuteAsync("UPDATE idempotency SET created_at = created_at - interval '26 hours' WHERE key = 'older'");
        Assert.Equal((2L, 1L), Place(await log.SweepAsync(TimeSpan.FromDays(30), Stop)));
        Assert.Equal("old", await ScalarAsync<string>("SELECT string_agg(key, ',') FROM idempotency"));
        Assert.Equal(2, await ScalarAsync<long>("SELECT sum(last_version)::bigint FROM appends"));
    }

    [Fact]
    public async Task A_log_that_outran_its_partitions_makes_new_ones()
    {
        var log = await OpenAsync(partitionSize: 10);
        var result = await log.AppendAsync(Batch([.. Enumerable.Range(0, 75).Select(_ => Entry("a"))]), Stop);
        Assert.Equal(75, result.Stored.Count);
        Assert.Equal(75, (await ReadAllAsync(log)).Count);
    }

    private Task<int> AgeAsync(long through) =>
        ExecuteAsync($"UPDATE notifications SET published_at = published_at - interval '2 days' WHERE version <= {through}");

    private static (long Head, long Oldest) Place(LogHead head) => (head.Head, head.Oldest);
}
