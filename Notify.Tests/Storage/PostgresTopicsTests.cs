using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

/// <summary>What an append session remembers of topics must never show: sequences stay dense, whatever else appends, sweeps or restores.</summary>
public sealed class PostgresTopicsTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    [Fact]
    public async Task Two_nodes_that_take_turns_in_runs_keep_every_sequence_dense()
    {
        var nodes = new[] { await OpenAsync(), await OpenAsync() };
        var random = new Random(7);
        for (var run = 0; run < 60; run++)
        {
            var node = nodes[random.Next(2)];
            for (var i = random.Next(1, 14); i > 0; i--) // longer and shorter than the memory needs to become whole again
                await node.AppendAsync(Batch([.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => Entry($"t{random.Next(9)}"))]), Stop);
        }

        await AssertDenseAsync(nodes[0]);
    }

    [Fact]
    public async Task What_was_told_of_an_append_is_what_is_stored()
    {
        var nodes = new[] { await OpenAsync(), await OpenAsync() };
        var told = new List<LogEntry>();
        for (var i = 0; i < 40; i++)
        {
            var batch = Batch(Entry("a"), Entry("b") with { TtlSeconds = 60 }, Entry("a") with { Key = Key($"{i}") },
                Entry("change") with { Kind = EntryKind.MembersChanged });
            told.AddRange((await nodes[i / 7 % 2].AppendAsync(batch, Stop)).Stored);
        }

        static object Shown(LogEntry entry) => (entry.Version, entry.Id, entry.Kind, entry.Topic, entry.TopicSeq, entry.PublishedAt, entry.ExpiresAt);
        Assert.Equal((await ReadAllAsync(nodes[0])).Select(Shown), told.Select(Shown));
    }

    [Fact]
    public async Task A_node_that_slept_while_others_published_and_dropped_partitions_goes_on_with_the_right_sequence()
    {
        var sleeper = await OpenAsync(partitionSize: 10);
        var busy = await OpenAsync(partitionSize: 10);
        await sleeper.AppendAsync(Batch(Entry("shared"), Entry("shared")), Stop);
        for (var i = 0; i < 5; i++) await busy.AppendAsync(Batch([.. Enumerable.Range(0, 10).Select(n => Entry(i == 4 ? "other" : "shared"))]), Stop);
        await ExecuteAsync("UPDATE notifications SET published_at = published_at - interval '2 days' WHERE version <= 50");
        await busy.SweepAsync(TimeSpan.FromDays(1), Stop);
        Assert.Equal(0, await ScalarAsync<long>("SELECT count(*) FROM notifications JOIN topics ON topics.id = topic_id WHERE topics.name = 'shared'"));

        Assert.Equal(43, Assert.Single((await sleeper.AppendAsync(Batch(Entry("shared")), Stop)).Stored).TopicSeq);
    }

    [Fact]
    public async Task Another_epoch_makes_the_session_read_its_topics_anew()
    {
        var log = await OpenAsync();
        await log.AppendAsync(Batch(Entry("a"), Entry("a"), Entry("a")), Stop);

        // As after a logical restore under a running node: two versions are gone, and an operator says so.
        await ExecuteAsync("DELETE FROM notifications WHERE version > 1; UPDATE appends SET last_version = 1 WHERE last_version = 3; UPDATE log_head SET " +
            "epoch = gen_random_uuid()");
        var next = await log.AppendAsync(Batch(Entry("a"), Entry("new")), Stop);
        Assert.Equal([(2L, 2L), (3L, 1L)], next.Stored.Select(entry => (entry.Version, entry.TopicSeq)));
        Assert.Equal(await ScalarAsync<Guid>("SELECT epoch FROM log_head"), next.Epoch);
    }

    private static async Task AssertDenseAsync(INotificationLog log)
    {
        foreach (var topic in (await ReadAllAsync(log)).GroupBy(entry => entry.Topic))
            Assert.Equal(Enumerable.Range(1, topic.Count()).Select(i => (long)i), topic.Select(entry => entry.TopicSeq));
    }
}
