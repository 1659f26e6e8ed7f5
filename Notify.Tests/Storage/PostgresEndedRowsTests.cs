using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Notify.Tests.Specifications;

namespace Notify.Tests.Storage;

/// <summary>What ends on Postgres, also in a partition that is not full.</summary>
public sealed class PostgresEndedRowsTests(PostgresCluster cluster) : EndedRowsSpecification
{
    private string? _database;

    [Fact]
    public async Task A_node_that_remembers_a_topic_that_was_removed_stores_nothing_that_no_reader_finds()
    {
        await using var other = await OpenAsync();
        var random = new Random(3);
        var stored = new List<LogEntry>();
        for (var round = 0; round < 20; round++)
        {
            await AgeAsync(TimeSpan.FromDays(1));
            var topics = Enumerable.Range(0, 8).Select(_ => $"t/{random.Next(12)}").ToArray();
            var appending = new[] { Log, other }.SelectMany(node => topics.Select(topic => node.AppendAsync(Batch(topic), Stop)));
            var sweeping = Log.SweepAsync(TimeSpan.FromHours(12), Stop);
            foreach (var result in await Task.WhenAll(appending)) stored.AddRange(result.Stored);
            await sweeping;
        }

        Assert.True(await cluster.ScalarAsync<long>(_database!, "SELECT topics_removed FROM log_head") > 0);
        foreach (var topic in stored.GroupBy(entry => entry.Topic))
        {
            var sequences = topic.OrderBy(entry => entry.Version).Select(entry => entry.TopicSeq).ToArray();
            Assert.Equal(sequences.Distinct().Order(), sequences);
        }

        // The last ones: nothing of them has aged.
        var last = await other.AppendAsync(Batch([.. Enumerable.Range(0, 12).Select(i => $"t/{i}")]), Stop);
        var found = (await Log.FindTopicsByPrefixAsync("t/", 100, Stop)).Select(topic => topic.Id).ToArray();
        var page = await Log.ReadTopicsAsync(found, last.Stored[0].Version - 1, 100, 1_000_000, Stop);
        Assert.Equal(last.Stored.Select(entry => (entry.Version, entry.Topic)), page.Entries.Select(entry => (entry.Version, entry.Topic)));
    }

    [Fact]
    public async Task A_topic_that_one_node_remembers_and_another_removed_is_made_again()
    {
        await using var other = await OpenAsync();
        async Task<LogEntry> PublishAsync(INotificationLog node) => (await node.AppendAsync(Batch("rare"), Stop)).Stored[0];
        await PublishAsync(Log);
        await AgeAsync(TimeSpan.FromDays(1));
        await other.SweepAsync(TimeSpan.FromHours(12), Stop);
        Assert.Equal(0, await CountRowsAsync("topics"));
        var again = await PublishAsync(Log);
        var page = await Log.ReadTopicsAsync([(await Log.FindTopicsAsync(["rare"], Stop))[0].Id], 1, 10, 10_000, Stop);
        Assert.Equal((again.Version, "rare", 2L), (page.Entries[0].Version, page.Entries[0].Topic, page.Entries[0].TopicSeq));
    }

    private static AppendBatch Batch(params string[] topics) =>
        new(Guid.NewGuid(), [.. topics.Select(topic => new NewEntry { Id = Guid.CreateVersion7(), Topic = topic, Content = "{}"u8.ToArray() })]);

    protected override async Task<INotificationLog> OpenAsync() => await PostgresLog.OpenAsync(
        new() { Postgres = cluster.ConnectionString(_database ??= await cluster.CreateDatabaseAsync()), InboxMaxAge = InboxMaxAge }, Stop, partitionSize: 500);

    protected override async Task AgeAsync(TimeSpan by)
    {
        foreach (var table in (string[])["notifications", "inbox_kept"])
            await cluster.ExecuteAsync(_database!, $"UPDATE {table} SET published_at = published_at - interval '{by.TotalSeconds} seconds'");
    }

    protected override async Task<long> CountRowsAsync(string table) => await cluster.ScalarAsync<long>(_database!, $"SELECT count(*) FROM {table}");
}
