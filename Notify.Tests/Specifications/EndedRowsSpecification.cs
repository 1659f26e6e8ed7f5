using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Tests.Specifications;

/// <summary>What every store gets rid of: rows that grow by a name end when nothing of the name is left. Each store inherits it.</summary>
public abstract class EndedRowsSpecification : IAsyncLifetime
{
    private static readonly DirectoryLimits Limits = new(GroupsPerUser: 100, SubscriptionsPerUser: 100);

    /// <summary>How long the own topic's and groups' items are kept.</summary>
    protected static readonly TimeSpan InboxMaxAge = TimeSpan.FromDays(10);

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected INotificationLog Log { get; private set; } = null!;

    protected abstract Task<INotificationLog> OpenAsync();

    /// <summary>Makes everything older that is stored.</summary>
    protected abstract Task AgeAsync(TimeSpan by);

    protected abstract Task<long> CountRowsAsync(string table);

    public virtual async ValueTask InitializeAsync() => Log = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Topics_that_are_used_once_leave_no_row_and_one_that_is_made_again_goes_on_above()
    {
        var first = await PublishAsync([.. Enumerable.Range(0, 1200).Select(i => $"job/{i}"), "again", "again", "again", "living"]);
        await AgeAsync(TimeSpan.FromDays(1));
        await PublishAsync("living");
        await Log.SweepAsync(TimeSpan.FromHours(12), Stop);
        Assert.Equal(1, await CountRowsAsync("topics"));
        Assert.Equal("living", Assert.Single(await Log.FindTopicsByPrefixAsync("", 10, Stop)).Name);

        var again = await PublishAsync("again", "new", "again", "living");
        Assert.True(again[0].TopicSeq > first[1202].TopicSeq, $"{again[0].TopicSeq} is not above {first[1202].TopicSeq}");
        Assert.Equal([again[0].TopicSeq + 1, 3L], again.Skip(2).Select(entry => entry.TopicSeq));
        var topics = (await Log.FindTopicsAsync(["again", "new", "living"], Stop)).Select(topic => topic.Id).ToArray();
        var page = await Log.ReadTopicsAsync(topics, 0, 100, 1_000_000, Stop);
        Assert.Equal([1205L, 1206, 1207, 1208, 1209], page.Entries.Where(entry => entry.Version >= page.Head.Oldest).Select(entry => entry.Version));
        Assert.Equal(["living", "again", "new", "again", "living"],
            (await Log.ReadAsync(page.Head.Oldest - 1, 100, 1_000_000, Stop)).Entries.Select(entry => entry.Topic));

        // Whoever reads from below the oldest version finds a hole, whatever is still there.
        Assert.DoesNotContain((await Log.ReadAsync(0, 2000, 10_000_000, Stop)).Entries, entry => entry.Topic.StartsWith("job/", StringComparison.Ordinal));

        await SweepAsync(TimeSpan.FromDays(1));
        Assert.Equal(0, await CountRowsAsync("topics"));
        var last = await PublishAsync("again");
        Assert.True(last[0].TopicSeq > again[2].TopicSeq);
    }

    [Fact]
    public async Task A_topic_stays_as_long_as_an_inbox_keeps_something_of_it()
    {
        await ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.JoinGroups("alice", ["ops"]));
        var published = await PublishAsync("$user/alice", "$group/ops", "news", "$user/bob");
        await SweepAsync(TimeSpan.FromDays(1));
        Assert.Equal(3, await CountRowsAsync("topics"));
        Assert.Equal("$group/ops", (await Log.Inbox.FindKeptAsync(published[1].Id, Stop))!.Topic);
        Assert.Equal(2, (await PublishAsync("$user/alice"))[0].TopicSeq);

        await SweepAsync(InboxMaxAge);
        await SweepAsync(InboxMaxAge);
        Assert.Equal((0L, 0L), (await CountRowsAsync("inbox_kept"), await CountRowsAsync("topics")));
    }

    [Fact]
    public async Task Intervals_and_groups_that_ended_before_everything_that_is_kept_are_forgotten()
    {
        for (var i = 0; i < 5; i++)
        {
            await ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.JoinGroups("alice", ["ops"]),
                new DirectoryChange.Subscribe("alice", ["news"]));
            await PublishAsync("$group/ops", "news");
            await ChangeAsync(new DirectoryChange.LeaveGroups("alice", ["ops"]), new DirectoryChange.Unsubscribe("alice", ["news"]));
            await ChangeAsync(new DirectoryChange.JoinGroups("alice", ["ops"]), new DirectoryChange.DeleteGroup("ops"));
        }

        await ChangeAsync(new DirectoryChange.PutGroup("dev"), new DirectoryChange.JoinGroups("alice", ["dev"]),
            new DirectoryChange.Subscribe("alice", ["news"]));
        await Log.SweepAsync(TimeSpan.FromDays(1), Stop);
        Assert.Equal((11L, 6L, 6L), await IntervalsAsync());

        // Its items are in her inbox still, so what brought them is; of the log nothing is left.
        await SweepAsync(TimeSpan.FromDays(1));
        Assert.Equal((11L, 1L, 6L), await IntervalsAsync());

        await SweepAsync(InboxMaxAge);
        await SweepAsync(InboxMaxAge);
        Assert.Equal((1L, 1L, 1L), await IntervalsAsync());
        Assert.Equal(["dev"], await Log.Directory.ListGroupsOfAsync("alice", null, 10, Stop));
        Assert.Equal(["news"], await Log.Directory.ListSubscriptionsAsync("alice", null, 10, Stop));

        async Task<(long, long, long)> IntervalsAsync() =>
            (await CountRowsAsync("memberships"), await CountRowsAsync("subscriptions"), await CountRowsAsync("groups"));
    }

    private async Task SweepAsync(TimeSpan age)
    {
        await AgeAsync(age);
        await Log.SweepAsync(TimeSpan.FromHours(12), Stop);
    }

    private Task<ChangeResult> ChangeAsync(params DirectoryChange[] changes) =>
        Log.Directory.ChangeAsync(new ChangeBatch(Guid.NewGuid(), changes, Limits), Stop);

    private async Task<IReadOnlyList<LogEntry>> PublishAsync(params string[] topics)
    {
        var entries = topics.Select(topic => new NewEntry { Id = Guid.CreateVersion7(), Topic = topic, Content = "{}"u8.ToArray() });
        return (await Log.AppendAsync(new AppendBatch(Guid.NewGuid(), [.. entries]), Stop)).Stored;
    }
}
