using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts.Hub;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Tests.Fixtures;
using Notify.Tests.Tail;

namespace Notify.Tests.Delivery;

public sealed class DeliverySessionTests
{
    private static readonly LimitSettings Small = new() { SessionQueueEntries = 50, SessionQueueBytes = 64 * 1024 };

    private static IEnumerable<long> Range(long from, long to) => Enumerable.Range(0, (int)(to - from + 1)).Select(i => from + i);

    [Fact]
    public async Task Resume_brings_what_was_missed_then_CaughtUp_then_live()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (20, "t"));
        var (_, sink, result) = await rig.ResumeAsync(12, "t");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(21), "live");

        Assert.Equal(20, result.Head);
        Assert.Equal(12, result.Since);
        Assert.Equal(Range(13, 20).Select(_ => "Notification").Append("CaughtUp").Append("Notification"), sink.Received.Select(r => r.Target));
        Assert.Equal(Range(13, 21), sink.Versions);
        Assert.Equal(20, sink.Received.Single(r => r.Target == "CaughtUp").Argument.GetProperty("head").GetInt64());
    }

    [Fact]
    public async Task What_is_older_than_the_ring_comes_from_storage()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (12_000, "t")); // the ring is loaded with fewer
        Assert.True(rig.Position.View!.Ring.First > 2000);
        var (_, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        Assert.Equal(Range(1, 12_000), sink.Versions);
    }

    [Fact]
    public async Task A_long_way_back_is_read_by_topic_and_misses_nothing()
    {
        SteeredLog log = null!;
        await using var rig = await DeliveryRig.StartAsync([], inner => log = new SteeredLog(inner), (3, "rare/a"), (20_000, "t"), (2, "rare/b"), (1, "rare"));
        var (_, sink, _) = await rig.ResumeAsync(0, "rare/#");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        Assert.Equal([1, 2, 3, 20_004, 20_005, 20_006], sink.Versions);
        Assert.Equal([0], log.TopicReads);
        Assert.DoesNotContain(log.Scans, after => after < rig.Position.View!.Ring.First - 1);
    }

    [Fact]
    public async Task A_long_way_that_is_wanted_in_parts_is_scanned_there_and_misses_nothing()
    {
        SteeredLog log = null!;
        await using var rig =
            await DeliveryRig.StartAsync([], inner =>
            log = new SteeredLog(inner), (15_000, "wanted/a"), (25_000, "t"), (7, "wanted/b"), (25_000, "t"), (9_000, "wanted/c"), (11_000, "t"));
        var (_, sink, _) = await rig.ResumeAsync(0, "wanted/#");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        Assert.Equal([.. Range(1, 15_000), .. Range(40_001, 40_007), .. Range(65_008, 74_007)], sink.Versions);
        Assert.Contains(log.Scans, after => after is > 0 and < 15_000);
        Assert.DoesNotContain(log.Scans, after => after is > 28_000 and < 39_000); // nothing is wanted there
    }

    [Fact]
    public async Task On_a_long_way_through_what_it_does_not_follow_a_session_hears_how_far_it_is()
    {
        var time = new FakeTimeProvider { AutoAdvanceAmount = TimeSpan.FromMilliseconds(300) }; // whenever somebody looks at it
        await using var rig = await DeliveryRig.StartAsync(time, stored: (10_000, "t"));
        var (_, sink, _) = await rig.ResumeAsync(0, "other/#");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");

        Assert.Equal("CaughtUp", sink.Received[^1].Target);
        Received[] progress = [.. sink.Received.SkipLast(1)];
        Assert.NotEmpty(progress);
        Assert.All(progress, said => Assert.Equal(("Progress", rig.Position.View!.Epoch), (said.Target, said.Argument.GetProperty("epoch").GetString())));
        long[] versions = [.. progress.Select(said => said.Argument.GetProperty("version").GetInt64())];
        Assert.Equal(versions.Order().Distinct(), versions);
        Assert.InRange(versions[0], 1, 9_999);
    }

    [Fact]
    public async Task Without_since_it_begins_now()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (5, "t"));
        await rig.PublishAsync();
        var (_, sink, result) = await rig.ResumeAsync(null, "t");
        Assert.Equal(6, result.Since);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Any(), "live");
        Assert.Equal([7], sink.Versions);
    }

    [Fact]
    public async Task A_version_above_the_head_is_of_another_log()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (5, "t"));
        var (_, sink, _) = await rig.ResumeAsync(50, "t");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        Assert.Equal("Gap", sink.Received[0].Target);
        Assert.Equal(GapReasons.Epoch, sink.Received[0].Argument.GetProperty("reason").GetString());
        Assert.Equal(Range(1, 5), sink.Versions);
    }

    [Fact]
    public async Task A_client_that_comes_from_a_node_further_on_is_of_the_same_epoch()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (5, "t"));
        await rig.AppendAsync(3, "t"); // this node was not told yet
        var (_, sink, _) = await rig.ResumeAsync(8, "t");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Any(), "live");
        Assert.Equal([9], sink.Versions);
        Assert.DoesNotContain(sink.Received, r => r.Target == "Gap");
    }

    [Fact]
    public async Task A_slow_consumer_falls_back_and_gets_everything_once_and_in_order()
    {
        await using var rig = await DeliveryRig.StartAsync(Small);
        var (session, slow, _) = await rig.ResumeAsync(0, "t");
        var (_, healthy, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");

        slow.Stall();
        for (var i = 0; i < 200; i++) await rig.PublishAsync(count: 10);
        await Eventually.TrueAsync(() => healthy.Versions.Count() == 2000, "the healthy one has all");
        Assert.Equal(SessionState.CatchingUp, session.State);
        Assert.Empty(slow.Versions);

        slow.Open();
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => slow.Versions.Contains(2001), "the slow one as well");
        Assert.Equal(Range(1, 2001), slow.Versions);
        Assert.Equal(Range(1, 2000), healthy.Versions.Take(2000));
        Assert.Single(slow.Received, r => r.Target == "CaughtUp");
    }

    [Fact]
    public async Task A_client_gets_pieces_until_it_has_taken_half_a_megabyte_at_once_and_then_frames_whole()
    {
        const int Count = 40, Long = 8_000; // a unit of 40 is 320 KB: the frames of a page are of 256 KiB, pieces of 64 KiB
        await using var rig = await DeliveryRig.StartAsync();
        var stored = await rig.PublishAsync(count: Count, titleLength: Long);
        await Eventually.TrueAsync(() => rig.Position.Dispatched == stored, "all of it is in the ring, and makes one page");
        var (_, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        Assert.Equal(5 + 2 + 1, sink.Asked); // 7 in a piece: 5 pieces of the first frame, 2 of the second, and CaughtUp

        var asked = sink.Asked;
        await rig.PublishAsync(count: Count, titleLength: Long);
        await Eventually.TrueAsync(() => sink.Versions.Count() == 2 * Count, "live");
        Assert.True(sink.Asked - asked > 2, "live frames come in pieces too");

        asked = sink.Asked;
        await rig.PublishAsync(count: Count, titleLength: Long);
        await Eventually.TrueAsync(() => sink.Versions.Count() == 3 * Count, "live");
        Assert.InRange(sink.Asked - asked, 1, 2);
        Assert.Equal(Range(1, 3 * Count), sink.Versions);
    }

    [Fact]
    public async Task A_client_that_took_long_for_a_write_gets_pieces_again()
    {
        const int Count = 40, Long = 8_000;
        var time = new ShiftedTime();
        await using var rig = await DeliveryRig.StartAsync(time);
        var (_, sink, _) = await rig.ResumeAsync(null, "t");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        for (var i = 1; i <= 3; i++)
        {
            await rig.PublishAsync(count: Count, titleLength: Long);
            await Eventually.TrueAsync(() => sink.Versions.Count() == i * Count, "live, and quick");
        }

        // Again where the clock was moved before the session looked at it: the moment between is not to be seen from here.
        await Eventually.TrueAsync(
            async () =>
            {
                var (asked, came) = (sink.Asked, sink.Versions.Count());
                sink.Stall();
                await rig.PublishAsync();
                await Eventually.TrueAsync(() => sink.Asked == asked + 1, "a write waits");
                time.Advance(TimeSpan.FromSeconds(2));
                sink.Open();
                await Eventually.TrueAsync(() => sink.Versions.Count() == came + 1, "it was taken");
                asked = sink.Asked;
                await rig.PublishAsync(count: Count, titleLength: Long);
                await Eventually.TrueAsync(() => sink.Versions.Count() == came + 1 + Count, "live");
                return sink.Asked - asked > 2;
            },
            "it comes in pieces");
    }

    [Fact]
    public async Task Clients_that_come_back_at_the_same_place_get_the_same_whether_or_not_the_frames_are_shared()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (300, "t"));
        var (_, first, _) = await rig.ResumeAsync(100, "t");
        var (_, second, _) = await rig.ResumeAsync(100, "t");
        var (_, other, _) = await rig.ResumeAsync(100, "t", "u");
        foreach (var sink in new[] { first, second, other })
        {
            await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
            Assert.Equal(Range(101, 300), sink.Versions);
        }
    }

    [Fact]
    public async Task A_filter_added_later_brings_only_what_is_above_its_head_also_while_catching_up()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (3, "t"));
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");
        sink.Stall();
        await rig.PublishAsync("other", 10);
        Assert.True(session.TrySubscribe([DeliveryRig.Filter("other")], out var head, out var topics));
        Assert.Equal(["t", "other"], topics);
        session.LeaveView(rig.Position.View!); // back to catching up, as an overflow does
        await rig.PublishAsync("other", 2);
        sink.Open();
        await Eventually.TrueAsync(() => sink.Versions.Contains(head + 2), "the new ones delivered");
        Assert.Equal(13, head);
        Assert.Equal([1, 2, 3, 14, 15], sink.Versions);
    }

    [Fact]
    public async Task After_unsubscribe_nothing_comes_that_only_it_matched()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink, _) = await rig.ResumeAsync(0, "a/#", "a/b");
        await rig.PublishAsync("a/b");
        await Eventually.TrueAsync(() => sink.Versions.Any(), "the first delivered");
        Assert.Equal(["a/b"], session.Unsubscribe([DeliveryRig.Filter("a/#")]));
        await rig.PublishAsync("a/c");
        await rig.PublishAsync("a/b");
        await Eventually.TrueAsync(() => sink.Versions.Contains(3), "the last delivered");
        Assert.Equal([1, 3], sink.Versions);
    }

    [Fact]
    public async Task After_unsubscribe_nothing_comes_that_was_queued_before_it()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, sink, _) = await rig.ResumeAsync(0, "a", "b");
        await Eventually.TrueAsync(() => session.State == SessionState.Live && sink.Received.Count == 1, "live");
        sink.Stall();
        await rig.PublishAsync("a");
        await Eventually.TrueAsync(() => sink.Asked == 2, "the first one is being written");
        foreach (var topic in new[] { "a", "b", "a" }) await rig.PublishAsync(topic);
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 4, "the others are queued");

        session.Unsubscribe([DeliveryRig.Filter("a")]);
        sink.Open();
        var mark = await rig.PublishAsync("b");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last delivered");
        Assert.Equal([1, 3, mark], sink.Versions);
    }

    [Fact]
    public async Task After_unsubscribe_in_the_middle_of_a_page_its_rest_does_not_come()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.PublishAsync("a", count: 20, titleLength: 60_000); // several writes
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 20, "dispatched");
        var (session, sink) = rig.Connect();
        sink.Stall();
        await rig.Get<Resumption>()
            .ResumeAsync(session, new ResumeRequest { Since = 0, Topics = ["a", "b"] }, SessionAccess.Everything, CancellationToken.None);
        session.Start();
        await Eventually.TrueAsync(() => sink.Asked == 1, "the page's first frame is being written");

        session.Unsubscribe([DeliveryRig.Filter("a")]);
        sink.Open();
        var mark = await rig.PublishAsync("b");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last delivered");
        var first = sink.Versions.SkipLast(1).Count();
        Assert.InRange(first, 1, 10);
        Assert.Equal([.. Range(1, first), mark], sink.Versions);
    }

    [Fact]
    public async Task After_unsubscribe_nothing_comes_of_a_unit_that_was_looked_up_before_it_and_is_offered_after_it()
    {
        await using var rig = await DeliveryRig.StartAsync(Small);
        var (first, slow, _) = await rig.ResumeAsync(0, "a");
        await Eventually.TrueAsync(() => first.State == SessionState.Live && slow.Received.Count == 1, "live");
        var (second, sink, _) = await rig.ResumeAsync(0, "a", "b");
        await Eventually.TrueAsync(() => second.State == SessionState.Live, "live as well");
        slow.Stall();
        await rig.PublishAsync("a");
        await Eventually.TrueAsync(() => slow.Asked == 2, "the first one is being written");
        await rig.PublishAsync("a", count: 60); // its queue is full now

        await Eventually.TrueAsync(() => sink.Versions.Count() == 61, "the other one has them");

        // The unit is offered to one session after the other, and the first one's queue is too full for it.
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter.Scope, rig.Get<IMeterFactory>()) && instrument.Name == "notify.slow_consumers")
                listener.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>((_, _, _, _) => second.Unsubscribe([DeliveryRig.Filter("a")]));
        listener.Start();
        await rig.PublishAsync("a");
        var mark = await rig.PublishAsync("b");
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last delivered");
        Assert.Equal(["b"], second.Topics);
        Assert.Equal([.. Range(1, 61), mark], sink.Versions);
    }

    [Fact]
    public async Task A_filter_added_while_the_node_is_behind_brings_nothing_up_to_its_head_also_from_within_a_unit()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier], stored: (3, "t"));
        var (session, sink, _) = await rig.ResumeAsync(3, "t");
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");
        using var held = new Latch();
        applier.Before = _ => held.Wait();
        await rig.AppendAsync(10, "other");
        rig.Position.View!.ObserveHead(8); // as a read of the log says that came before the last of them
        var subscribed = session.TrySubscribe([DeliveryRig.Filter("other")], out var head, out _);
        held.Open();
        Assert.True(subscribed);
        Assert.InRange(head, 8, 13);
        var mark = await rig.PublishAsync("t");

        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last delivered");
        Assert.Equal([.. Range(head + 1, 13), mark], sink.Versions);
    }

    [Fact]
    public async Task What_has_expired_before_it_is_dispatched_is_not_sent()
    {
        var time = new ShiftedTime();
        await using var rig = await DeliveryRig.StartAsync(time);
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");
        time.Advance(TimeSpan.FromMinutes(2)); // the tail is so far behind
        await rig.PublishAsync(ttlSeconds: 60);
        var mark = await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(mark), "the last delivered");
        Assert.Equal([mark], sink.Versions);
    }

    [Fact]
    public async Task Several_matching_filters_deliver_once()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (_, sink, _) = await rig.ResumeAsync(0, "a/b", "a/+", "#", "a/#");
        await rig.PublishAsync("a/b", 3);
        await Eventually.TrueAsync(() => sink.Versions.Count() >= 3, "delivered");
        Assert.Equal([1, 2, 3], sink.Versions);
    }

    [Fact]
    public async Task What_retention_took_is_told_as_a_gap()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (10, "t"));
        // A second ahead: the sweep keeps what was published in its own millisecond.
        await rig.Log.SweepAsync(TimeSpan.FromSeconds(-1), CancellationToken.None);
        await rig.PublishAsync(count: 2);
        await Eventually.TrueAsync(() => rig.Position.View!.Oldest == 11, "the node knows");
        var (_, sink, _) = await rig.ResumeAsync(4, "t");
        await Eventually.TrueAsync(() => sink.Versions.Count() == 2, "delivered");
        var gap = sink.Received[0];
        Assert.Equal("Gap", gap.Target);
        Assert.Equal(4, gap.Argument.GetProperty("since").GetInt64());
        Assert.Equal(11, gap.Argument.GetProperty("oldest").GetInt64());
        Assert.Equal(GapReasons.Retention, gap.Argument.GetProperty("reason").GetString());
        Assert.Equal([11, 12], sink.Versions);
    }

    [Fact]
    public async Task An_expired_one_is_no_longer_sent()
    {
        await using var rig = await DeliveryRig.StartAsync();
        await rig.PublishAsync(ttlSeconds: 1);
        await rig.PublishAsync();
        var entry = (await rig.Log.ReadAsync(0, 1, 1024, CancellationToken.None)).Entries[0];
        await Eventually.TrueAsync(() => entry.ExpiresAt <= TimeProvider.System.GetUtcNow(), "it has expired");
        var (_, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
        Assert.Equal([2], sink.Versions);
    }

    [Fact]
    public async Task Whatever_is_stalled_dropped_and_resumed_every_client_gets_each_version_once_and_in_order()
    {
        await using var rig = await DeliveryRig.StartAsync(Small);
        using var stop = new CancellationTokenSource();
        var publishing = Task.Run(async () =>
        {
            while (!stop.IsCancellationRequested) await rig.PublishAsync(count: Random.Shared.Next(1, 40));
        });

        // Each client resumes where it was, reads some, and is cut; every other time it stalls until the node has given up on its queue.
        var clients = Enumerable.Range(0, 6).Select(async number =>
        {
            var chance = new Random(number);
            var have = new List<long>();
            for (var view = 0; view < 8; view++)
            {
                var (session, sink, _) = await rig.ResumeAsync(have.LastOrDefault(), "t");
                if (view % 2 == 0)
                {
                    await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");
                    sink.Stall();
                    await Eventually.TrueAsync(() => session.State == SessionState.CatchingUp, "fallen back");
                    sink.Open();
                }

                var some = chance.Next(1, 500);
                await Eventually.TrueAsync(() => sink.Versions.Count() >= some, "some are delivered");
                session.Close();
                have.AddRange(sink.Versions);
            }

            return have;
        }).ToList();
        var received = await Task.WhenAll(clients);
        await stop.CancelAsync();
        await publishing;

        var head = await rig.PublishAsync();
        foreach (var have in received)
        {
            var (_, sink, _) = await rig.ResumeAsync(have[^1], "t");
            await Eventually.TrueAsync(() => sink.Versions.Contains(head), "the last one delivered");
            Assert.Equal(Range(1, head), have.Concat(sink.Versions));
        }
    }
}
