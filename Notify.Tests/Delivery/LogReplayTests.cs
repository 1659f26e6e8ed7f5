using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Replay;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>What storage says after the rows decides whether they are worth anything.</summary>
public sealed class LogReplayTests
{
    private const int Dropped = 100;

    [Theory]
    [InlineData(10_000, 0)] // scanned
    [InlineData(300, 20_000)] // by topic
    public async Task Rows_that_were_dropped_while_they_were_read_are_a_gap_and_not_a_hole(int wanted, int others)
    {
        SteeredLog log = null!;
        await using var rig = await DeliveryRig.StartAsync([], inner => log = new SteeredLog(inner), (wanted, "wanted"), (others, "other"));

        // Retention came between the rows and the look at the oldest version.
        log.Rows = (after, page) => after != 0 ? page : page with
        {
            Entries = [.. page.Entries.Where(entry => entry.Version > Dropped)],
            Head = page.Head with { Oldest = Dropped + 1 },
        };
        var (_, sink, _) = await rig.ResumeAsync(0, "wanted");
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");

        Assert.Equal("Gap", sink.Received[0].Target);
        var gap = Assert.Single(sink.Received, r => r.Target == "Gap").Argument;
        Assert.Equal(
            (GapReasons.Retention, 0, Dropped + 1),
            (gap.GetProperty("reason").GetString(), gap.GetProperty("since").GetInt64(), gap.GetProperty("oldest").GetInt64()));
        Assert.Equal(Enumerable.Range(Dropped + 1, wanted - Dropped).Select(i => (long)i), sink.Versions);
        Assert.Equal(others > 0, !log.TopicReads.IsEmpty);
    }

    [Fact]
    public async Task What_the_ring_has_is_not_read_from_storage_and_is_made_once_for_all()
    {
        const int Count = 8_000; // all of them are read into the ring at the start
        const int LookedAtAnyway = 1_024; // of the latest, by the comparison with the log
        SteeredLog log = null!;
        await using var rig = await DeliveryRig.StartAsync([], inner => log = new SteeredLog(inner), (Count, "wanted"));
        log.Scans.Clear();
        foreach (var since in (long[])[0, 3])
        {
            var (_, sink, _) = await rig.ResumeAsync(since, "wanted");
            await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");
            Assert.Equal(Enumerable.Range((int)since + 1, Count - (int)since).Select(i => (long)i), sink.Versions);
        }

        Assert.DoesNotContain(log.Scans, after => after < Count - LookedAtAnyway);
        var replay = rig.Get<LogReplay>();
        var steps = await Task.WhenAll(Enumerable.Range(0, 2).Select(async _ =>
            await replay.NextAsync(rig.Position.View!, 0, [TopicFilter.Exact("wanted")], new TopicPlan(), TestContext.Current.CancellationToken)));
        Assert.Equal(1_024, steps[0].Entries.Count);
        Assert.Same(steps[0].Entries[0], steps[1].Entries[0]);
    }
}
