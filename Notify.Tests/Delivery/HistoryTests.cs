using Notify.Engine.Delivery.Replay;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

public class HistoryTests
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Pages_meet_without_a_seam_through_ring_blocks_and_storage()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: [(5000, "a"), (1, "b"), (9000, "c"), (10, "a")]);
        await rig.PublishAsync("a", 20);
        Assert.Equal([.. Backwards(14_031, 9_002 + 5_000), .. Backwards(5_000, 1)], (await AllAsync(rig, 700, "a")).Versions);
        Assert.Equal([.. Backwards(14_031, 1)], (await AllAsync(rig, 1000, "#")).Versions);
        Assert.Equal([5_001L], (await AllAsync(rig, 1000, "b")).Versions);
        Assert.Empty((await AllAsync(rig, 1000, "nobody's")).Versions);
    }

    [Fact]
    public async Task A_few_old_ones_of_a_long_log_are_one_page_away()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: [(2, "rare/x"), (20_000, "busy"), (1, "rare"), (30_000, "busy")]);
        var (versions, pages) = await AllAsync(rig, 100, "rare/#");
        Assert.Equal([20_003L, 2, 1], versions);
        Assert.Equal(1, pages);
    }

    [Fact]
    public async Task What_another_node_has_stored_is_there_before_the_tail_is()
    {
        await using var rig = await DeliveryRig.StartAsync(stored: [(3, "a")]);
        await rig.AppendAsync(2, "a");
        var page = await rig.Get<IHistory>().ReadAsync([DeliveryRig.Filter("a")], null, 2, Stop);
        Assert.Equal([5L, 4], page.Entries.Select(entry => entry.Version));
        Assert.Equal((4L, 5L), (page.Next, page.Head.Head));
    }

    [Fact]
    public async Task Expired_ones_and_swept_ones_are_not_there()
    {
        var time = new ShiftedTime();
        await using var rig = await DeliveryRig.StartAsync(time, null, (3, "a"));
        await rig.PublishAsync("a", 1, ttlSeconds: 60);
        await rig.PublishAsync("a");
        Assert.Equal([5L, 4, 3, 2, 1], (await AllAsync(rig, 10, "a")).Versions);
        time.Advance(TimeSpan.FromMinutes(2));
        Assert.Equal([5L, 3, 2, 1], (await AllAsync(rig, 10, "a")).Versions);

        // A second ahead: the sweep keeps what was published in its own millisecond.
        await rig.Log.SweepAsync(TimeSpan.FromSeconds(-1), Stop);
        await rig.PublishAsync("a");
        Assert.Equal([6L], (await AllAsync(rig, 10, "a")).Versions);
    }

    private static async Task<(List<long> Versions, int Pages)> AllAsync(DeliveryRig rig, int limit, string filter)
    {
        var versions = new List<long>();
        var pages = 0;
        long? before = null;
        do
        {
            var page = await rig.Get<IHistory>().ReadAsync([DeliveryRig.Filter(filter)], before, limit, Stop);
            Assert.True(page.Entries.Count <= limit && (before is null || page.Next is null || page.Next < before));
            versions.AddRange(page.Entries.Select(entry => entry.Version));
            before = page.Next;
            pages++;
        }
        while (before is not null);
        return (versions, pages);
    }

    private static IEnumerable<long> Backwards(long from, long to)
    {
        for (var version = from; version >= to; version--) yield return version;
    }
}
