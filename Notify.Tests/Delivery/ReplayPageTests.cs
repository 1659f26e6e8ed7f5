using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;
using Notify.Tests.Tail;

namespace Notify.Tests.Delivery;

/// <summary>What a replay reads, from where, and where its page ends; the tail stands wherever the test has put it.</summary>
public sealed class ReplayPageTests : IAsyncDisposable
{
    private const int StepsPerPage = 16;
    private const int ReadsAtATime = 4;

    private static readonly TopicFilter[] Ours = [DeliveryRig.Filter("t")];

    private readonly ScriptedLog _log = new();
    private readonly FakeTimeProvider _time = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly Readings _counted;
    private readonly TailPosition _position;
    private readonly LogReplay _replay;

    public ReplayPageTests()
    {
        var meters = _services.GetRequiredService<IMeterFactory>();
        _counted = new Readings(meters);
        var clock = new LogClock(_time);
        _position = new TailPosition(_log, clock, _time);
        _replay = new LogReplay(_position, _log, new ReplayMetrics(meters), new SharedMemory(512L * 1024 * 1024), clock);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask DisposeAsync()
    {
        _replay.Dispose();
        _counted.Dispose();
        await _services.DisposeAsync();
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_page_has_what_a_filter_matches_is_a_notification_and_has_not_expired(bool fromRing)
    {
        _log.Store(EntryKind.Notification, EntryKind.Notification, EntryKind.InboxMarked, EntryKind.Notification, EntryKind.Notification,
            EntryKind.Notification);
        _log.Change(2, entry => entry with { Topic = "other" });
        _log.Change(4, entry => entry with { ExpiresAt = _time.GetUtcNow() });
        _log.Change(5, entry => entry with { ExpiresAt = _time.GetUtcNow().AddTicks(1) });
        await TailAtAsync(fromRing ? 6 : 0);

        Is(await ReadAsync(after: 0), [1, 5, 6], 6);
        Is(await ReadAsync(after: 0, most: 2), [1, 5], 5);
        Is(await ReadAsync(after: 5, most: 2), [6], 6);
        var both = await _replay.ReadAsync([.. Ours, DeliveryRig.Filter("other")], 0, 10, Cancel);
        Assert.Equal([1, 2, 5, 6], both.Entries.Select(entry => entry.Version));
        Assert.Equal((_log.Epoch, 6, 1), (both.Head.Epoch, both.Head.Head, both.Head.Oldest));
    }

    [Fact]
    public async Task At_the_head_there_is_nothing_and_above_it_the_version_is_of_another_epoch()
    {
        _log.Store(4);
        await TailAtAsync(4, oldest: 3);
        Is(await ReadAsync(after: 4), [], 4);
        Is(await ReadAsync(after: 5), [3, 4], 4, GapReasons.Epoch);
    }

    [Fact]
    public async Task What_retention_took_is_a_gap_and_the_page_begins_at_the_oldest()
    {
        _log.Store(6);
        await TailAtAsync(6, oldest: 4);
        Is(await ReadAsync(after: 2), [4, 5, 6], 6, GapReasons.Retention);
        Is(await ReadAsync(after: 3), [4, 5, 6], 6);
    }

    [Fact]
    public async Task What_another_node_has_committed_is_read_although_the_tail_is_behind_and_never_from_what_was_kept_too_early()
    {
        _log.Store(5);
        await TailAtAsync(2);
        Is(await ReadAsync(after: 2), [3, 4, 5], 5);
        _log.Store(2);
        var page = await ReadAsync(after: 2);
        Is(page, [3, 4, 5, 6, 7], 7);
        Assert.Equal(7, page.Head.Head);
        Is(await ReadAsync(after: 0), [1, 2, 3, 4, 5, 6, 7], 7);
    }

    [Fact]
    public async Task A_page_of_what_matches_little_ends_after_so_many_steps()
    {
        _log.PageEntries = 1;
        _log.Store(StepsPerPage + 5);
        await TailAtAsync(0);
        var page = await _replay.ReadAsync([DeliveryRig.Filter("other")], 0, 10, Cancel);
        Is(page, [], StepsPerPage);
        Assert.Equal(StepsPerPage + 5, page.Head.Head);
        Assert.Equal(StepsPerPage, _log.Reads.Count);
    }

    [Fact]
    public async Task A_log_that_was_replaced_while_it_was_read_has_nothing_and_the_tail_is_told()
    {
        _log.Store(3);
        await TailAtAsync(0);
        var suspected = 0;
        _position.Suspected += () => suspected++;
        var view = _position.View!;
        _log.Epoch = Guid.NewGuid();
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _replay.BlockAsync(view, 0, isSettled: false, Cancel));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _replay.ReadStorageAsync(view, ReadOnceAsync, Cancel));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => _replay.NextAsync(AfterIt(view), 0, Ours, new TopicPlan(), Cancel).AsTask());
        Assert.Equal(3, suspected);
    }

    [Fact]
    public async Task A_step_without_filters_passes_what_the_ring_has_and_does_not_go_back()
    {
        _log.Store(4);
        await TailAtAsync(4);
        Assert.Equal(4, (await NextAsync(cursor: 1, filters: [])).Through);
        Assert.Equal(6, (await NextAsync(cursor: 6, filters: [])).Through);
        Assert.Equal(0, _counted["notify.catch_up.reads"]);
    }

    [Fact]
    public async Task A_step_that_the_ring_cannot_serve_is_a_shared_block_and_is_counted()
    {
        _log.Store(6);
        await TailAtAsync(6, ringFrom: 3);
        for (var i = 0; i < 2; i++)
        {
            var step = await NextAsync(cursor: 1);
            Assert.Equal((6L, null), (step.Through, step.Oldest));
            Assert.Equal([1, 2, 3, 4, 5, 6], step.Entries.Select(entry => entry.Version));
        }

        Assert.Equal([4, 5, 6], (await NextAsync(cursor: 3)).Entries.Select(entry => entry.Version));
        Assert.Equal(2, _counted["notify.catch_up.reads"]);
        Assert.Single(_log.Reads.Items);
    }

    [Fact]
    public async Task A_step_by_topic_ends_where_the_ring_begins()
    {
        const int Ring = 9_000;
        _log.Store(Ring + 100);
        foreach (var version in new[] { 100, Ring - 1, Ring, Ring + 1, Ring + 50 }) _log.Change(version, entry => entry with { Topic = "rare" });
        await TailAtAsync(Ring + 100, ringFrom: Ring);
        var step = await NextAsync(cursor: 0, DeliveryRig.Filter("rare"));
        Assert.Equal([100, Ring - 1, Ring], step.Entries.Select(entry => entry.Version));
        Assert.Equal((Ring, null), (step.Through, step.Oldest));
        Assert.Equal(1, _counted["notify.catch_up.reads"]);
    }

    [Fact]
    public void A_step_is_cut_at_a_cap_and_does_not_go_back_for_it()
    {
        var step = new ReplayStep(Entries.Range(3, 5), 7, null);
        Assert.Equal(step, step.UpTo(7, 2));
        var cut = step.UpTo(5, 2);
        Assert.Equal([3, 4, 5], cut.Entries.Select(entry => entry.Version));
        Assert.Equal(5, cut.Through);
        Assert.Equal(6, step.UpTo(5, 6).Through);
        Assert.Equal(9, ReplayStep.Gone(9).UpTo(5, 2).Oldest);
    }

    [Fact]
    public async Task A_block_is_kept_where_the_log_has_settled_and_read_again_where_it_grows()
    {
        _log.Store(3);
        await TailAtAsync(0);
        var view = _position.View!;
        Assert.Equal(3, (await _replay.BlockAsync(view, 0, isSettled: false, Cancel)).Through);
        _log.Store(1);
        Assert.Equal(4, (await _replay.BlockAsync(view, 0, isSettled: false, Cancel)).Through);
        Assert.Equal(4, (await _replay.BlockAsync(view, 0, isSettled: true, Cancel)).Through);
        _log.Store(1);
        _log.Oldest = 2;
        Assert.Equal(4, (await _replay.BlockAsync(view, 0, isSettled: true, Cancel)).Through);
        Assert.Equal(1, view.Oldest);
        await _replay.BlockAsync(view, 0, isSettled: false, Cancel);
        Assert.Equal((5, 2), (view.Head, view.Oldest)); // what a read learns of the head is for everybody

        using var gone = new CancellationTokenSource();
        await gone.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => _replay.BlockAsync(view, 0, isSettled: true, gone.Token));
    }

    [Theory]
    [InlineData("block")]
    [InlineData("topics")]
    [InlineData("other")]
    public async Task A_few_reads_are_under_way_and_the_others_wait_also_when_one_failed(string kind)
    {
        const int Ring = 20_000;
        _log.Store(Ring);
        _log.Change(Ring - 1, entry => entry with { Topic = "rare" });
        await TailAtAsync(Ring, ringFrom: Ring);
        var view = _position.View!;
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _log.AfterRead = () => held.Task;
        Task Begin(int i) => kind switch
        {
            "block" => _replay.BlockAsync(view, i, isSettled: false, Cancel),
            "topics" => _replay.NextAsync(view, i, [DeliveryRig.Filter("rare")], new TopicPlan(), Cancel).AsTask(),
            _ => _replay.ReadStorageAsync(view, ReadOnceAsync, Cancel),
        };

        Task[] reads = [.. Enumerable.Range(0, ReadsAtATime + 2).Select(Begin)];
        Assert.Equal(ReadsAtATime, _log.Reads.Count);
        _log.AfterRead = () => Task.CompletedTask;
        held.SetException(new StorageUnavailableException("Away, as told."));
        foreach (var read in reads.Take(ReadsAtATime)) await Assert.ThrowsAsync<StorageUnavailableException>(() => read);
        await Task.WhenAll(reads.Skip(ReadsAtATime)).WaitAsync(Eventually.Patience, Cancel);
        Assert.Equal(ReadsAtATime + 2, _log.Reads.Count);
        Assert.Equal(kind == "block" ? 0 : ReadsAtATime + 2, _counted["notify.catch_up.reads"]);
    }

    /// <summary>The tail has applied so much of what is stored, and its ring begins after <paramref name="ringFrom"/>.</summary>
    private async Task TailAtAsync(int end, long oldest = 1, int ringFrom = 0)
    {
        _log.Oldest = oldest;
        ringFrom = Math.Max(ringFrom, (int)oldest - 1);
        var ring = new Ring(ringFrom, 1_000_000, long.MaxValue);
        var page = await _log.ReadAsync(ringFrom, end - ringFrom + 1, int.MaxValue, Cancel);
        ring.Append([.. page.Entries.Where(entry => entry.Version <= end).Select(entry => new DeliveryEntry(entry))]);
        _position.View = new LogView(new LogHead(_log.Epoch, end, oldest), ring);
        _log.ForgetReads();
    }

    /// <summary>A view of the same epoch whose ring has nothing.</summary>
    private static LogView AfterIt(LogView view) => new(new LogHead(view.EpochId, 3, 1), new Ring(3, 10, long.MaxValue));

    private Task<LogPage> ReadOnceAsync() => _log.ReadAsync(0, 10, int.MaxValue, Cancel);

    private Task<ReplayPage> ReadAsync(long after, int most = 100) => _replay.ReadAsync(Ours, after, most, Cancel);

    private ValueTask<ReplayStep> NextAsync(long cursor, params TopicFilter[] filters) =>
        _replay.NextAsync(_position.View!, cursor, filters, new TopicPlan(), Cancel);

    private ValueTask<ReplayStep> NextAsync(long cursor) => NextAsync(cursor, Ours);

    private static void Is(ReplayPage page, long[] versions, long next, string? gap = null)
    {
        Assert.Equal(versions, page.Entries.Select(entry => entry.Version));
        Assert.Equal((next, gap), (page.Next, page.Gap));
    }
}
