using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.Logging.Abstractions;
using Notify.Engine.Delivery;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Faults.Breaking;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>What was delivered is compared with the log: nothing is logged while they agree, and a difference is repaired.</summary>
public sealed class ReconcilerTests
{
    private const string Metric = "notify.reconciled";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_is_as_in_the_log_is_left_as_it_is()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (2_000, "t"));
        using var counted = new Readings(rig.Get<IMeterFactory>());
        await rig.PublishAsync("t", 5);
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 2_005, "dispatched");
        var view = rig.Position.View;

        await rig.Get<Reconciler>().ReconcileAsync(Cancel);
        await rig.PublishAsync("t");
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 2_006, "the tail goes on");
        Assert.Equal(0, counted[Metric]);
        Assert.Same(view, rig.Position.View);
    }

    [Fact]
    public async Task A_wrong_entry_is_counted_and_a_session_that_was_given_it_gets_a_gap_and_the_right_one()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (10, "t"));
        using var counted = new Readings(rig.Get<IMeterFactory>());
        var stored = (await rig.Log.ReadAsync(0, 10, int.MaxValue, Cancel)).Entries;
        rig.Position.View = View(rig, [.. stored.Select(entry => entry.Version == 7 ? Forged(entry) : entry)]);
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");

        await rig.Get<Reconciler>().ReconcileAsync(Cancel);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(11), "the session goes on");
        Assert.Equal((1, 1), (counted[Metric], counted[Metric, "different"]));
        var gap = Assert.Single(sink.Received, r => r.Target == "Gap").Argument;
        Assert.Equal(("epoch", 7), (gap.GetProperty("reason").GetString(), gap.GetProperty("oldest").GetInt64()));
        Assert.Equal([.. Range(1, 10), .. Range(7, 11)], sink.Versions);
        Assert.Equal(["forged", "x"], sink.Received.Where(r => r.Version == 7).Select(r => r.Argument.GetProperty("title").GetString()));
    }

    [Fact]
    public async Task What_the_log_itself_has_lost_is_counted_and_cannot_be_put_right()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (10, "t"));
        using var counted = new Readings(rig.Get<IMeterFactory>());
        var view = rig.Position.View;
        using var reconciler = Reconciler(rig, rig.Position, new LogWithout(rig.Log, 7));
        await reconciler.ReconcileAsync(Cancel);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 11, "the tail goes on");
        Assert.Equal((1, 1), (counted[Metric], counted[Metric, "absent"]));
        Assert.Same(view, rig.Position.View);
    }

    [Fact]
    public async Task A_tail_that_stands_still_is_noticed_at_the_second_look()
    {
        await using var rig = await DeliveryRig.StartAsync();
        using var counted = new Readings(rig.Get<IMeterFactory>());
        var followedByNobody = new TailPosition(rig.Log, rig.Get<LogClock>(), TimeProvider.System)
        {
            View = await LogView.ReadAsync(rig.Log, rig.Position.View!.EpochId, null, Cancel),
        };
        using var reconciler = Reconciler(rig, followedByNobody, rig.Log);
        await reconciler.ReconcileAsync(Cancel);
        await rig.PublishAsync("t", 3);
        await followedByNobody.RefreshAsync(Cancel);

        await reconciler.ReconcileAsync(Cancel);
        Assert.Equal(0, counted[Metric]);
        await reconciler.ReconcileAsync(Cancel);
        Assert.Equal((3, 3), (counted[Metric], counted[Metric, "behind"]));
    }

    [Fact]
    public async Task A_session_that_was_given_nothing_wrong_goes_on_without_a_gap_and_misses_nothing()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: (10, "t"));
        var (session, sink, _) = await rig.ResumeAsync(0, "#");
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "live");
        var view = rig.Position.View!;
        sink.Stall();
        await rig.PublishAsync("t", 3); // queued while the log is read anew
        await Eventually.TrueAsync(() => rig.Position.Dispatched == 13, "dispatched");

        rig.Tail.Distrust(view, 14);
        await Eventually.TrueAsync(() => !ReferenceEquals(rig.Position.View, view), "the log is read anew");
        await rig.PublishAsync("t", 2);
        sink.Open();
        await Eventually.TrueAsync(() => sink.Versions.Contains(15), "the session goes on");
        Assert.Equal(Range(1, 15), sink.Versions);
        Assert.DoesNotContain(sink.Received, r => r.Target == "Gap");
    }

    private static Reconciler Reconciler(DeliveryRig rig, TailPosition position, INotificationLog log) =>
        new(position, rig.Tail, log, rig.Get<TailMetrics>(), TimeProvider.System, NullLogger<Reconciler>.Instance);

    private static LogView View(DeliveryRig rig, IReadOnlyList<LogEntry> entries)
    {
        var ring = new Ring(0, 100, int.MaxValue);
        ring.Append([.. entries.Select(entry => new DeliveryEntry(entry))]);
        return new LogView(new LogHead(rig.Position.View!.EpochId, entries[^1].Version, 1), ring);
    }

    private static LogEntry Forged(LogEntry entry) => entry with { Content = Encoding.UTF8.GetBytes("""{"title":"forged","priority":"normal"}""") };

    private static IEnumerable<long> Range(int first, int last) => Enumerable.Range(first, last - first + 1).Select(i => (long)i);

    private sealed class LogWithout(INotificationLog inner, long version) : BrokenLog(inner)
    {
        public override async Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken)
        {
            var page = await base.ReadAsync(after, maxEntries, maxBytes, cancellationToken);
            return page with { Entries = [.. page.Entries.Where(entry => entry.Version != version)] };
        }
    }
}
