using Notify.Contracts.Hub;
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
}
