using Notify.Contracts.Topics;
using Notify.Engine.Inbox;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Tests.Specifications;

/// <summary>What every inbox does, whatever it is kept in. Each store inherits it.</summary>
public abstract class InboxSpecification : IAsyncLifetime
{
    private static readonly DirectoryLimits Limits = new(GroupsPerUser: 100, SubscriptionsPerUser: 100);

    /// <summary>How long the own topic's and groups' items are kept.</summary>
    protected static readonly TimeSpan MaxAge = TimeSpan.FromDays(2.5);

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected INotificationLog Log { get; private set; } = null!;

    private InboxReader Reader => new(Log);

    protected abstract Task<INotificationLog> OpenAsync();

    /// <summary>Makes the entries up to this version older, and what is kept of them.</summary>
    protected abstract Task AgeAsync(long through, TimeSpan by);

    /// <summary>Lets the time come at which this notification expires.</summary>
    protected abstract Task ExpireAsync(long version);

    protected abstract Task<long> CountRowsAsync(string table);

    public virtual async ValueTask InitializeAsync() => Log = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task Marking_everything_is_one_row_and_repeating_it_no_entry()
    {
        await ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.JoinGroups("alice", ["ops"]));
        for (var i = 0; i < 40; i++)
        {
            var head = await PublishAsync("$group/ops");
            Assert.True(await MarkAsync("alice", InboxOperation.Seen, upTo: head) > head);
            Assert.Equal(0, await MarkAsync("alice", InboxOperation.Seen, upTo: head));
        }

        var last = (await Log.ReadHeadAsync(Stop)).Head;
        Assert.True(await MarkAsync("alice", InboxOperation.Read, upTo: last) > 0);
        Assert.Equal(0, await MarkAsync("alice", InboxOperation.Read, upTo: last));
        Assert.Equal(0, await MarkAsync("alice", InboxOperation.Seen, upTo: last)); // read implies seen
        Assert.Equal((1L, 0L), (await CountRowsAsync("inbox_watermarks"), await CountRowsAsync("inbox_marks")));
        var counts = await CountAsync("alice");
        Assert.Equal((0L, 0L), (counts.Unread, counts.Unseen));
    }

    [Fact]
    public async Task An_item_tells_since_when_it_is_seen_and_read_whatever_is_marked_later()
    {
        var first = await PublishAsync("$user/alice");
        await MarkAsync("alice", InboxOperation.Read, upTo: first);
        var readAt = Assert.Single((await ListAsync("alice", InboxView.All)).Items).State.ReadAt;
        Assert.NotNull(readAt);
        var second = await PublishAsync("$user/alice");
        await MarkAsync("alice", InboxOperation.Read, upTo: second);
        await MarkAsync("alice", InboxOperation.Archive, versions: [first]);
        var archived = Assert.Single((await ListAsync("alice", InboxView.Archived)).Items);
        Assert.Equal((first, readAt), (archived.Entry.Version, archived.State.ReadAt));
        Assert.True(archived.State.ArchivedAt >= readAt);
    }

    [Fact]
    public async Task Marks_made_together_are_one_entry_and_the_later_one_wins()
    {
        var version = await PublishAsync("$user/alice");
        await PublishAsync("$user/bob");
        var item = new InboxItem(version, (await Log.FindTopicsAsync(["$user/alice"], Stop))[0].Id, "$user/alice", null);
        var epoch = (await Log.ReadHeadAsync(Stop)).Epoch;
        var result = await ChangeAsync(
            Mark("alice", InboxOperation.Read, epoch, [item]), Mark("alice", InboxOperation.Unread, epoch, [item]),
            new DirectoryChange.MarkInbox("bob", InboxOperation.Archive, epoch, null, 2, "", Match), Mark("alice", InboxOperation.Seen, epoch, [item]));
        Assert.Equal([3L, 3L, 3L, 0L], result.Outcomes.Select(outcome => outcome.Version));
        var entry = Assert.IsType<InboxMarked>(DirectoryEntry.Parse(Assert.Single(result.Stored)));
        Assert.Equal([(InboxOperation.Read, null), (InboxOperation.Unread, null), (InboxOperation.Archive, (long?)2)],
            entry.Marks.Select(mark => (mark.Operation, mark.UpTo)));
        Assert.Equal((1L, 0L, 3L), await UnreadAsync("alice"));
        Assert.Equal((0L, 0L, 3L), await UnreadAsync("bob"));

        // In another epoch of the log the versions would be of other notifications.
        await Log.BeginEpochAsync(Stop);
        var refused = await ChangeAsync(Mark("alice", InboxOperation.Archive, epoch, [item]));
        Assert.Equal((ChangeStatus.OtherEpoch, 0), (refused.Outcomes[0].Status, refused.Stored.Count));

        static DirectoryChange Mark(string user, InboxOperation operation, Guid epoch, InboxItem[] items) =>
            new DirectoryChange.MarkInbox(user, operation, epoch, items, 0, "", Match);

        async Task<(long, long, long)> UnreadAsync(string user)
        {
            var counts = await CountAsync(user);
            return (counts.Unread, counts.Unseen, counts.Head);
        }
    }

    [Fact]
    public async Task A_mark_up_to_a_version_wins_over_a_single_one_before_it_also_in_the_same_batch()
    {
        var version = await PublishAsync("$user/alice");
        var item = new InboxItem(version, (await Log.FindTopicsAsync(["$user/alice"], Stop))[0].Id, "$user/alice", null);
        var epoch = (await Log.ReadHeadAsync(Stop)).Epoch;
        DirectoryChange Single(InboxOperation operation) => new DirectoryChange.MarkInbox("alice", operation, epoch, [item], 0, "", Match);
        DirectoryChange UpTo(InboxOperation operation) => new DirectoryChange.MarkInbox("alice", operation, epoch, null, version, "", Match);
        await ChangeAsync(UpTo(InboxOperation.Read));
        await ChangeAsync(Single(InboxOperation.Unread));
        Assert.Equal(1, (await CountAsync("alice")).Unread);
        await ChangeAsync(UpTo(InboxOperation.Read));
        Assert.Equal(0, (await CountAsync("alice")).Unread);
        await ChangeAsync(Single(InboxOperation.Unread), UpTo(InboxOperation.Read));
        Assert.Equal(0, (await CountAsync("alice")).Unread);
        await ChangeAsync(UpTo(InboxOperation.Read), Single(InboxOperation.Unread));
        Assert.Equal(1, (await CountAsync("alice")).Unread);
        await ChangeAsync(UpTo(InboxOperation.Archive));
        Assert.Single((await ListAsync("alice", InboxView.Archived)).Items);
        await ChangeAsync(Single(InboxOperation.Unarchive), UpTo(InboxOperation.Archive));
        Assert.Single((await ListAsync("alice", InboxView.Archived)).Items);
        await ChangeAsync(UpTo(InboxOperation.Archive), Single(InboxOperation.Unarchive));
        Assert.Empty((await ListAsync("alice", InboxView.Archived)).Items);

        // What was found as of a version does not stand for what was marked after it.
        await ChangeAsync(Single(InboxOperation.Unread));
        Assert.Equal(0,
            (await ChangeAsync(new DirectoryChange.MarkInbox("alice", InboxOperation.Read, epoch, null, version, "",
            Match)
            { FoundAt = version })).Outcomes[0].Version);
        Assert.Equal(1, (await CountAsync("alice")).Unread);
    }

    [Fact]
    public async Task Single_marks_are_merged_into_a_mark_of_everything_and_nothing_of_them_changes_but_since_when()
    {
        const int Items = 1300;
        await Log.AppendAsync(new AppendBatch(Guid.NewGuid(), [.. Enumerable.Range(0, Items).Select(_ => Entry("$user/alice"))]), Stop);
        foreach (var versions in Enumerable.Range(1, Items).Select(i => (long)i).Chunk(650)) await MarkAsync("alice", InboxOperation.Read, versions: versions);
        await MarkAsync("alice", InboxOperation.Archive, versions: [3]);
        await MarkAsync("alice", InboxOperation.Archive, upTo: 2);
        await MarkAsync("alice", InboxOperation.Unarchive, versions: [2]);
        await MarkAsync("alice", InboxOperation.Unread, versions: [5]);
        Assert.Equal(Items - 1, await CountRowsAsync("inbox_marks")); // the first one is archived by the mark up to 2
        await MarkAsync("alice", InboxOperation.Seen, upTo: Items); // stands for one alone: the others are read
        Assert.Equal(Items - 2, await CountRowsAsync("inbox_marks"));
        await MarkAsync("alice", InboxOperation.Read, upTo: Items);

        // The newest thousand tell since when; one is archived, and one would be archived without its mark.
        Assert.Equal(1000 + 2, await CountRowsAsync("inbox_marks"));
        Assert.Equal([3L, 1], (await ListAsync("alice", InboxView.Archived)).Items.Select(item => item.Entry.Version));
        var counts = await CountAsync("alice");
        Assert.Equal((0L, 0L), (counts.Unread, counts.Unseen));
        Assert.Equal(2, (await Reader.ListAsync(new InboxAsked("alice", _ => true), InboxView.All, null, 3, 100, Stop)).Items[0].Entry.Version);
    }

    [Fact]
    public async Task Many_users_are_counted_at_once_and_each_through_its_own_eyes()
    {
        await ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.ChangeMembers("ops", ["a", "b", "c"], []));
        await ChangeAsync(new DirectoryChange.Subscribe("b", ["news/#"]));
        await PublishAsync("$group/ops");
        await PublishAsync("news/x");
        await PublishAsync("$user/never-mentioned");
        var awake = new InboxAsked("b", _ => true);
        var asleep = new InboxAsked("b", _ => false);
        InboxAsked[] asked = [new("a", _ => true), awake, asleep, new("nobody", _ => true), new("never-mentioned", _ => true)];
        Assert.Equal([1L, 2L, 1L, 0L, 1L], (await Reader.CountAsync(asked, Stop)).Select(counts => counts.Unread));
    }

    [Fact]
    public async Task More_topics_than_are_counted_are_a_lower_bound_with_own_topic_and_groups_first()
    {
        await ChangeAsync(new DirectoryChange.Subscribe("alice", ["t/#"]));
        await Log.AppendAsync(new AppendBatch(Guid.NewGuid(), [.. Enumerable.Range(0, 1001).Select(i => Entry($"t/{i}"))]), Stop);
        await PublishAsync("$user/alice");
        var counts = await CountAsync("alice");
        Assert.Equal((1000L, true), (counts.Unread, counts.AtLeast));
        Assert.Equal("$user/alice", (await ListAsync("alice", InboxView.All)).Items[0].Entry.Topic);
    }

    [Fact]
    public async Task What_is_for_a_user_or_a_group_outlives_the_log_with_its_state_and_is_found_by_its_id()
    {
        await ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.JoinGroups("alice", ["ops"]),
            new DirectoryChange.Subscribe("alice", ["news"]));
        var own = await PublishAsync("$user/alice");
        var group = await PublishAsync("$group/ops");
        var news = await PublishAsync("news");
        await MarkAsync("alice", InboxOperation.Read, versions: [own]);
        await ChangeAsync(new DirectoryChange.LeaveGroups("alice", ["ops"]));
        await PublishAsync("$group/ops");
        var last = (await Log.ReadHeadAsync(Stop)).Head;
        var before = await ListAsync("alice", InboxView.All);
        Assert.Equal([news, group, own], before.Items.Select(item => item.Entry.Version));

        await AgeAsync(last, TimeSpan.FromDays(1));
        Assert.Equal(last + 1, (await Log.SweepAsync(TimeSpan.FromHours(12), Stop)).Oldest);
        await Log.SweepAsync(TimeSpan.FromHours(12), Stop);
        var after = await ListAsync("alice", InboxView.All);
        Assert.Equal(before.Items.Skip(1).Select(item => (item.Entry with { Content = default, PublishedAt = default }, item.State)),
            after.Items.Select(item => (item.Entry with { Content = default, PublishedAt = default }, item.State)));
        Assert.Equal((1L, 1L), (after.Counts.Unread, after.Counts.Unseen));
        var id = after.Items[0].Entry.Id;
        Assert.Null(await Log.FindAsync(id, Stop));
        Assert.Equal(group, (await Log.Inbox.FindKeptAsync(id, Stop))!.Version);
        Assert.Equal((true, false), (await Reader.CameToAsync("alice", group, Stop), await Reader.CameToAsync("bob", group, Stop)));
        Assert.True(await MarkAsync("alice", InboxOperation.Archive, versions: [group]) > 0);
        Assert.Equal(0, (await CountAsync("alice")).Unread);

        await AgeAsync(last, TimeSpan.FromDays(2));
        await Log.SweepAsync(TimeSpan.FromHours(12), Stop);
        Assert.Empty((await ListAsync("alice", InboxView.Archived)).Items);
        Assert.Null(await Log.Inbox.FindKeptAsync(id, Stop));
        Assert.Equal((0L, 0L), (await CountRowsAsync("inbox_kept"), await CountRowsAsync("inbox_marks")));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task List_counts_and_rev_are_those_of_a_plain_model_after_every_step(int seed)
    {
        var random = new Random(seed);
        var model = new InboxModel();
        await ChangeAsync([.. InboxModel.Groups.Select(group => new DirectoryChange.PutGroup(group))]);
        for (var step = 0; step < 70; step++)
        {
            var what = await StepAsync(random, model);
            await CompareAsync(model, random, $"seed {seed}, step {step}: {what}");
        }
    }

    private async Task<string> StepAsync(Random random, InboxModel model)
    {
        var user = InboxModel.Users[random.Next(InboxModel.Users.Length)];
        var head = (await Log.ReadHeadAsync(Stop)).Head;
        switch (random.Next(20))
        {
            case < 7:
                var topic = InboxModel.Topics[random.Next(InboxModel.Topics.Length)];
                long? ttl = random.Next(3) == 0 ? (random.Next(4) == 0 ? -1 : 100_000) : null;
                var version = await PublishAsync(topic, ttl);
                model.Published(version, topic, ttl);
                return $"publish {version} to {topic}, ttl {ttl}";
            case < 10:
                var group = InboxModel.Groups[random.Next(InboxModel.Groups.Length)];
                var joins = !model.IsOpen(user, "$group/" + group);
                DirectoryChange membership = joins ? new DirectoryChange.JoinGroups(user, [group]) : new DirectoryChange.LeaveGroups(user, [group]);
                model.Changed(user, "$group/" + group, joins, (await ChangeAsync(membership)).Outcomes[0].Version);
                return $"{user} {(joins ? "joins" : "leaves")} {group}";
            case < 12:
                var filter = InboxModel.Filters[random.Next(InboxModel.Filters.Length)];
                var begins = !model.IsOpen(user, filter);
                DirectoryChange subscription = begins ? new DirectoryChange.Subscribe(user, [filter]) : new DirectoryChange.Unsubscribe(user, [filter]);
                model.Changed(user, filter, begins, (await ChangeAsync(subscription)).Outcomes[0].Version);
                return $"{user} {(begins ? "follows" : "ends")} {filter}";
            case 12:
                if (model.Living is not { Count: > 0 } living) return "nothing";
                var expires = living[random.Next(living.Count)];
                await ExpireAsync(expires);
                model.Expired(expires);
                return $"{expires} expires";
            case 13:
                var through = random.NextInt64(model.Oldest - 1, Math.Min(model.Oldest + 4, head));
                await AgeAsync(through, TimeSpan.FromDays(1));
                model.Aged(through);
                model.Oldest = (await Log.SweepAsync(TimeSpan.FromHours(12), Stop)).Oldest;
                return $"oldest {model.Oldest}";
            default:
                var operation = (InboxOperation)random.Next(5);
                var marked = random.Next(4) == 0 ? InboxModel.Tabs[random.Next(InboxModel.Tabs.Length)] : null;
                var upTo = operation is not (InboxOperation.Unread or InboxOperation.Unarchive) && random.Next(2) == 0 ? random.NextInt64(1, head + 1)
                    : (long?)null;
                var mine = model.Items(user, _ => true).Select(item => item.Version).ToArray();
                long[] versions =
                    [.. Enumerable.Range(0, 3)
                    .Select(_ => mine.Length > 0 && random.Next(3) > 0 ? mine[random.Next(mine.Length)] : random.NextInt64(1, head + 2))];
                await MarkAsync(user, operation, upTo, upTo is null ? versions : null, marked);
                model.Mark(user, operation, upTo, versions, marked);
                return $"{user} marks {operation} {(upTo is null ? string.Join(',', versions) : $"up to {upTo}")} filter {marked}";
        }
    }

    private async Task CompareAsync(InboxModel model, Random random, string where)
    {
        var head = (await Log.ReadHeadAsync(Stop)).Head;
        foreach (var user in InboxModel.Users)
        {
            Func<string, bool> covers = random.Next(3) == 0 ? filter => filter != "news/#" : _ => true;
            var tabs = InboxModel.Tabs.Select(Filter).ToArray();
            var asked = new InboxAsked(user, filter => covers(filter.Text)) { Filters = tabs };
            var counts = (await Reader.CountAsync([asked], Stop))[0];
            var expected = model.Items(user, covers).ToList();
            Assert.True((expected.Count(IsUnread), expected.Count(IsUnseen), head) == (counts.Unread, counts.Unseen, counts.Head),
                $"{where}: {user}: {counts} is not {expected.Count(IsUnread)}, {expected.Count(IsUnseen)} at {head}");
            foreach (var tab in counts.Filters)
            {
                var own = expected.Where(item => tab.Filter.Topics.Matches(item.Topic)).ToList();
                Assert.True((own.Count(IsUnread), own.Count(IsUnseen)) == (tab.Unread, tab.Unseen), $"{where}: {user}, {tab.Filter.Text}");
            }

            foreach (var view in Enum.GetValues<InboxView>())
            {
                var filter = random.Next(3) == 0 ? tabs[random.Next(tabs.Length)] : null;
                var shown = expected.Where(item => (filter is null || filter.Topics.Matches(item.Topic)) && view switch
                {
                    InboxView.Unread => IsUnread(item),
                    InboxView.Archived => item.Archived,
                    _ => !item.Archived,
                }).OrderByDescending(item => item.Version).ToList();
                var listed = await ListAllAsync(asked, view, filter);
                Assert.True(
                    shown.Select(item => (item.Version, item.Seen, item.Read, item.Archived)).SequenceEqual(
                        listed.Select(item =>
                            (item.Entry.Version, item.State.SeenAt is not null, item.State.ReadAt is not null, item.State.ArchivedAt is not null))),
                    $"{where}: {user}, {view} of {filter?.Text}: {string.Join(',', listed.Select(item => item.Entry.Version))} is not " +
                        $"{string.Join(',', shown.Select(item => item.Version))}");
            }
        }
    }

    private async Task<List<InboxListed>> ListAllAsync(InboxAsked asked, InboxView view, InboxFilter? filter)
    {
        var all = new List<InboxListed>();
        for (long? before = LogLimits.MaxVersion; before is { } version;)
        {
            var page = await Reader.ListAsync(asked, view, filter, version, 4, Stop);
            all.AddRange(page.Items);
            before = page.Next;
        }

        return all;
    }

    private static bool IsUnread(InboxModel.Item item) => item is { Read: false, Archived: false };

    private static bool IsUnseen(InboxModel.Item item) => item is { Seen: false, Archived: false };

    private async Task<InboxCounts> CountAsync(string user) => (await Reader.CountAsync([new InboxAsked(user, _ => true)], Stop))[0];

    private Task<InboxPage> ListAsync(string user, InboxView view) =>
        Reader.ListAsync(new InboxAsked(user, _ => true), view, null, LogLimits.MaxVersion, 100, Stop);

    private async Task<long> MarkAsync(string user, InboxOperation operation, long? upTo = null, long[]? versions = null, string? filter = null)
    {
        var epoch = (await Log.ReadHeadAsync(Stop)).Epoch;
        var items = versions is null ? null : (await Reader.FindItemsAsync(user, versions, filter is null ? null : Filter(filter), Stop)).Items;
        if (items is { Count: 0 }) return 0;
        return (await ChangeAsync(new DirectoryChange.MarkInbox(user, operation, epoch, items, upTo ?? 0, filter ?? "", Match))).Outcomes[0].Version;
    }

    private Task<ChangeResult> ChangeAsync(params DirectoryChange[] changes) =>
        Log.Directory.ChangeAsync(new ChangeBatch(Guid.NewGuid(), changes, Limits), Stop);

    private async Task<long> PublishAsync(string topic, long? ttl = null)
    {
        var result = await Log.AppendAsync(new AppendBatch(Guid.NewGuid(), [Entry(topic) with { TtlSeconds = ttl }]), Stop);
        return result.Stored[0].Version;
    }

    private static InboxFilter Filter(string text) =>
        TopicFilter.TryParseAny(text, out var filter, out var problem) ? new(text, filter) : throw new ArgumentException(problem);

    private static bool Match(string filter, string topic) => Filter(filter).Topics.Matches(topic);

    private static NewEntry Entry(string topic) => new() { Id = Guid.CreateVersion7(), Topic = topic, Content = "{}"u8.ToArray() };
}
