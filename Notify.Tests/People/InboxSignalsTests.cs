using System.Collections.Concurrent;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Inbox;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;
using Notify.Tests.Delivery;
using Notify.Tests.Faults.Breaking;
using Notify.Tests.Fixtures;

namespace Notify.Tests.People;

/// <summary>What connections are told of their inboxes: counts that are kept as the tail goes by, and are those of the database.</summary>
public sealed class InboxSignalsTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_publish_to_a_group_of_connected_members_is_no_reading_and_a_mark_is_one()
    {
        const int Members = 400;
        CountedInbox counted = null!;
        await using var rig = await DeliveryRig.StartAsync([], log => new CountedLog(log, counted = new CountedInbox(log.Inbox)));
        string[] users = [.. Enumerable.Range(0, Members).Select(i => $"u{i:000}")];
        await rig.ChangeAsync(new DirectoryChange.PutGroup("all"), new DirectoryChange.ChangeMembers("all", users, []));
        var sinks = new List<RecordingSink>();
        foreach (var user in users)
        {
            var (session, sink, _) = await rig.ResumeAsAsync(user, since: null);
            rig.Get<InboxSignals>().Watch(session, _ => true);
            sinks.Add(sink);
        }

        await AllShowAsync(0);
        var before = counted.Users;
        for (var i = 1; i <= 5; i++) await rig.PublishAsync("$group/all");
        await AllShowAsync(5);
        var last = (await rig.Log.ReadHeadAsync(Stop)).Head;
        Assert.All(sinks, sink => Assert.Equal(last, sink.Signals<InboxChanged>().Last().Rev));
        Assert.Equal(before, counted.Users);

        var epoch = (await rig.Log.ReadHeadAsync(Stop)).Epoch;
        await rig.ChangeAsync(new DirectoryChange.MarkInbox("u007", InboxOperation.Read, epoch, null, last - 1, "", Match));
        await Eventually.TrueAsync(() => sinks[7].Signals<InboxChanged>().Last() is { Unread: 1, Unseen: 1 }, "the mark is told");
        Assert.Equal(before + 1, counted.Users);

        Task AllShowAsync(long unread) => Eventually.TrueAsync(
            () => sinks.TrueForAll(sink => sink.Signals<InboxChanged>().LastOrDefault() is { } told && (told.Unread, told.Unseen) == (unread, unread)),
                $"all show {unread}");
    }

    [Fact]
    public async Task What_arrives_while_counts_are_read_is_counted_once()
    {
        CountedInbox counted = null!;
        await using var rig = await DeliveryRig.StartAsync([], log => new CountedLog(log, counted = new CountedInbox(log.Inbox)));
        await rig.PublishAsync("$user/alice");
        var (session, sink, _) = await rig.ResumeAsAsync("alice", since: null);
        counted.Hold = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        counted.Before = () => rig.PublishAsync("$user/alice"); // in the reading, and applied while it is made
        rig.Get<InboxSignals>().Watch(session, _ => true);
        await Eventually.TrueAsync(() => counted.Read > 0, "the counts were read");
        var last = await rig.PublishAsync("$user/alice"); // not in it
        await Eventually.TrueAsync(() => rig.Position.View!.Applied >= last, "it is applied");
        counted.Hold.SetResult();
        await Eventually.TrueAsync(() => sink.Signals<InboxChanged>().LastOrDefault() is { Unread: 3, Unseen: 3 } told && told.Rev == last, "three");
        Assert.Equal(1, counted.Read);
    }

    [Fact]
    public async Task A_bell_that_marks_what_it_shows_leaves_a_bounded_number_of_marks_to_look_at()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (marking, asked) = (rig.Get<InboxMarking>(), new InboxAsked("alice", _ => true));
        foreach (var operation in (InboxOperation[])[InboxOperation.Seen, InboxOperation.Read])
        {
            for (var round = 0; round < 8; round++)
            {
                var last = operation == InboxOperation.Seen ? await rig.PublishAsync("$user/alice", 200) : (await rig.Log.ReadHeadAsync(Stop)).Head;
                var page = await rig.Get<InboxReader>().ListAsync(asked, InboxView.Unread, null, last + 1, 200, Stop);
                var (counts, _) =
                    await marking.MarkAsync(asked, new InboxMarkAsked(operation, [.. page.Items.Select(item => item.Entry.Version)], 0, null), Stop);
                Assert.Equal(operation == InboxOperation.Seen ? (200L * (round + 1), 0L) : (200L * (7 - round), 0L), (counts!.Unread, counts.Unseen));
                Assert.InRange((await rig.Get<InboxReader>().CountAsync([asked], Stop))[0].SingleMarks, 0, operation == InboxOperation.Seen ? 500 : 1600);
            }
        }

        var end = (await rig.Get<InboxReader>().CountAsync([asked], Stop))[0];
        Assert.Equal((0L, 0L, 0), (end.Unread, end.Unseen, end.SingleMarks));
    }

    [Fact]
    public async Task Kept_counts_hold_until_something_of_them_expires()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, _) = rig.Connect("alice");
        var (epoch, now) = (Guid.NewGuid(), DateTimeOffset.UnixEpoch);
        var watcher = new InboxWatcher(session, _ => true);
        watcher.EndReading(watcher.BeginReading(), new InboxCounts(1, 1, 10, epoch, AtLeast: false, []) { NextExpiry = now.AddSeconds(9) }, now);
        watcher.Arrived(Entry(10, now.AddSeconds(1))); // in the reading
        watcher.Arrived(Entry(11, now.AddSeconds(5)));
        var known = watcher.Known(epoch, 12, now.AddSeconds(4));
        Assert.Equal((2L, 2L, 12L), (known!.Unread, known.Unseen, known.Head));
        Assert.Null(watcher.Known(epoch, 12, now.AddSeconds(5)));

        watcher.EndReading(watcher.BeginReading(), new InboxCounts(1, 1, 10, epoch, AtLeast: false, []), now);
        Assert.Null(watcher.Known(Guid.NewGuid(), 12, now)); // of another epoch
        var begun = watcher.BeginReading();
        watcher.Drop();
        watcher.EndReading(begun, new InboxCounts(1, 1, 10, epoch, AtLeast: false, []), now);
        Assert.Null(watcher.Known(epoch, 12, now)); // marked while it was read
        watcher.EndReading(watcher.BeginReading(), new InboxCounts(1, 1, 10, epoch, AtLeast: true, []), now);
        Assert.Null(watcher.Known(epoch, 12, now)); // a lower bound is nothing to add to
    }

    /// <summary>
    /// Marks, memberships, subscriptions, another credential, another epoch and retention, in any order: every number told is one that the
    /// database had as of its version.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task What_is_told_is_what_the_database_has_as_of_that_version(int seed)
    {
        var random = new Random(seed);
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("ops"), new DirectoryChange.Subscribe("alice", ["news/#"]));
        Func<TopicFilter, bool> all = _ => true, narrow = filter => filter.Text != "news/#";
        var (first, steady, _) = await rig.ResumeAsAsync("alice", since: null);
        var (second, changing, _) = await rig.ResumeAsAsync("alice", since: null);
        var signals = rig.Get<InboxSignals>();
        var allowed = new ConcurrentDictionary<(string Epoch, long Rev), ConcurrentBag<(long, long)>>();
        var wide = true;
        await NoteAsync();
        signals.Watch(first, all);
        signals.Watch(second, all);
        for (var step = 0; step < 60; step++)
        {
            await StepAsync();
            await NoteAsync();
            if (random.Next(4) == 0) await SettledAsync();
        }

        await SettledAsync();
        foreach (var told in steady.Signals<InboxChanged>().Concat(changing.Signals<InboxChanged>()))
            Assert.True(allowed.TryGetValue((told.Epoch, told.Rev), out var counts) && counts.Contains((told.Unread, told.Unseen)),
                $"{told} was never true: {string.Join(' ', counts ?? [])}");

        async Task StepAsync()
        {
            var head = await rig.Log.ReadHeadAsync(Stop);
            switch (random.Next(16))
            {
                case < 6:
                    await rig.PublishAsync(new[] { "$user/alice", "$group/ops", "news/a", "other" }[random.Next(4)], ttlSeconds: random.Next(5) == 0 ? 1000
                        : null);
                    break;
                case < 8:
                    await rig.ChangeAsync(random.Next(2) == 0 ? new DirectoryChange.JoinGroups("alice", ["ops"])
                        : new DirectoryChange.LeaveGroups("alice", ["ops"]));
                    break;
                case 8:
                    await rig.ChangeAsync(random.Next(2) == 0 ? new DirectoryChange.Subscribe("alice", ["news/#"])
                        : new DirectoryChange.Unsubscribe("alice", ["news/#"]));
                    break;
                case 9 or 10:
                    wide = !wide;
                    second.Reauthenticate(SessionAccess.Everything with { Covers = wide ? all : narrow });
                    signals.Cover(second, wide ? all : narrow);
                    break;
                case 11 when random.Next(3) == 0:
                    await rig.Log.BeginEpochAsync(Stop);
                    await Eventually.TrueAsync(async () =>
                        rig.Position.View!.EpochId == (await rig.Log.ReadHeadAsync(Stop)).Epoch, "the tail is in the new epoch");
                    break;
                case 12 when random.Next(3) == 0:
                    await rig.Log.SweepAsync(TimeSpan.Zero, Stop);
                    await NoteAsync();
                    await SettledAsync(); // a node hears of retention within a second; until then it tells what it knows
                    break;
                default:
                    var operation = new[] { InboxOperation.Read, InboxOperation.Seen, InboxOperation.Archive }[random.Next(3)];
                    await rig.ChangeAsync(new DirectoryChange.MarkInbox("alice", operation, head.Epoch, null, random.NextInt64(1, head.Head + 1),
                        random.Next(3) == 0 ? "news/#" : "", Match));
                    break;
            }
        }

        async Task NoteAsync()
        {
            foreach (var counts in await rig.Get<InboxReader>().CountAsync([new("alice", all), new("alice", narrow)], Stop))
                allowed.GetOrAdd((counts.Epoch.ToString(), counts.Head), _ => []).Add((counts.Unread, counts.Unseen));
        }

        async Task SettledAsync()
        {
            await ShowsAsync(steady, all);
            await ShowsAsync(changing, wide ? all : narrow);
        }

        async Task ShowsAsync(RecordingSink sink, Func<TopicFilter, bool> covers)
        {
            var counts = (await rig.Get<InboxReader>().CountAsync([new InboxAsked("alice", covers)], Stop))[0];
            await Eventually.TrueAsync(
                () => sink.Signals<InboxChanged>().LastOrDefault() is { } told && (told.Unread, told.Unseen) == (counts.Unread, counts.Unseen)
                    && told.Epoch == counts.Epoch.ToString(),
                $"seed {seed}: {counts}");
        }
    }

    private static LogEntry Entry(long version, DateTimeOffset expiresAt) =>
        new()
        {
            Version = version,
            Id = Guid.NewGuid(),
            Topic = "t",
            PublishedAt = DateTimeOffset.UnixEpoch,
            ExpiresAt = expiresAt,
            Content = "{}"u8.ToArray()
        };

    private static bool Match(string filter, string topic) => TopicFilter.TryParseAny(filter, out var parsed, out _) && parsed.Matches(topic);

    private sealed class CountedLog(INotificationLog inner, IInbox inbox) : BrokenLog(inner)
    {
        public override IInbox Inbox => inbox;
    }

    /// <summary>Counts whose inboxes were read, and holds an answer up.</summary>
    private sealed class CountedInbox(IInbox inner) : IInbox
    {
        private int _users;
        private int _read;

        public int Users => Volatile.Read(ref _users);
        public int Read => Volatile.Read(ref _read);
        public TaskCompletionSource? Hold { get; set; }
        public Func<Task>? Before { get; set; }

        public async Task<T> ReadAsync<T>(IReadOnlyCollection<string> users, Func<IInboxSnapshot, Task<T>> read, CancellationToken cancellationToken)
        {
            if (Before is not null) await Before();
            var result = await inner.ReadAsync(users, read, cancellationToken);
            Interlocked.Add(ref _users, users.Count);
            Interlocked.Increment(ref _read);
            if (Hold is not null) await Hold.Task.WaitAsync(cancellationToken);
            return result;
        }

        public Task<LogEntry?> FindKeptAsync(Guid id, CancellationToken cancellationToken) => inner.FindKeptAsync(id, cancellationToken);
    }
}
