using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

public sealed class PostgresConcurrencyTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    private const int Writers = 4;
    private const int BatchesEach = 150;

    [Fact]
    public async Task Four_concurrent_writers_get_gapless_versions_in_commit_order()
    {
        var reader = await OpenAsync();
        var writers = await Task.WhenAll(Enumerable.Range(0, Writers).Select(_ => OpenAsync(partitionSize: 500)));
        using var written = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var watching = WatchAsync(reader, written.Token);
        await Task.WhenAll(writers.Select(async (writer, w) =>
        {
            for (var i = 0; i < BatchesEach; i++)
                await writer.AppendAsync(Batch(Entry("shared"), Entry($"topic-{(w + i) % 7}"), Entry($"own-{w}")), Stop);
        }));
        await written.CancelAsync();

        // Commit order: a reader that saw a version could read every smaller one, at every moment.
        Assert.True(await watching > 1);
        var all = await ReadAllAsync(reader);
        Assert.Equal(Enumerable.Range(1, Writers * BatchesEach * 3).Select(i => (long)i), all.Select(entry => entry.Version));
        foreach (var topic in all.GroupBy(entry => entry.Topic))
            Assert.Equal(Enumerable.Range(1, topic.Count()).Select(i => (long)i), topic.Select(entry => entry.TopicSeq));
        Assert.Equal(all.Count, all.Select(entry => entry.Id).Distinct().Count());
        Assert.Equal(all.OrderBy(entry => entry.PublishedAt).Select(entry => entry.Version), all.Select(entry => entry.Version));
    }

    [Fact]
    public async Task A_repeat_that_arrives_on_two_nodes_at_once_is_stored_once()
    {
        var nodes = new[] { await OpenAsync(), await OpenAsync() };
        for (var i = 0; i < 50; i++)
        {
            var results = await Task.WhenAll(nodes.Select(node =>
                node.AppendAsync(Batch(Entry("a") with { Key = Key($"{i}") }, Entry("b")), Stop)));
            var stored = Assert.Single(results, result => result.Outcomes[0] is AppendOutcome.Stored);
            var replayed = Assert.Single(results, result => result.Outcomes[0] is AppendOutcome.Replayed);
            Assert.Equal(
                ((AppendOutcome.Stored)stored.Outcomes[0]).Entry.Version, ((AppendOutcome.Replayed)replayed.Outcomes[0]).Version);
        }

        Assert.Equal(150, (await nodes[0].ReadHeadAsync(Stop)).Head);
    }

    [Fact]
    public async Task The_same_batch_on_two_nodes_at_once_is_stored_once()
    {
        var nodes = new[] { await OpenAsync(), await OpenAsync() };
        for (var i = 0; i < 50; i++)
        {
            var batch = Batch(Entry("a"), Entry("b"));
            var results = await Task.WhenAll(nodes.Select(node => node.AppendAsync(batch, Stop)));
            Assert.Equal(results[0].Stored.Select(entry => entry.Version), results[1].Stored.Select(entry => entry.Version));
        }

        Assert.Equal(100, (await nodes[0].ReadHeadAsync(Stop)).Head);
    }

    /// <summary>Polls the head as a tail does; whenever it moves, everything up to it must be there to read.</summary>
    private static async Task<int> WatchAsync(INotificationLog reader, CancellationToken written)
    {
        var seen = 0L;
        var moves = 0;
        while (!written.IsCancellationRequested)
        {
            var head = (await reader.ReadHeadAsync(Stop)).Head;
            if (head == seen)
                continue;
            for (var page = await reader.ReadAsync(seen, 1000, 10_000_000, Stop); seen < head; page = await reader.ReadAsync(seen, 1000, 10_000_000, Stop))
            {
                Assert.True(page.Head.Head >= head, "The head went back.");
                foreach (var entry in page.Entries)
                    Assert.Equal(++seen, entry.Version);
                Assert.Equal(seen, page.Through);
            }

            moves++;
        }

        return moves;
    }
}
