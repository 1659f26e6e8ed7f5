using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Tail;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>What counts as this node's own delay, for which publishers wait, and what does not.</summary>
public sealed class DeliveryLagTests
{
    private const int Large = 60_000;
    private const int Proof = 10; // so many large ones show that a client is quick

    // A test that fails must not wait for the writes that it holds.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task While_connections_wait_for_their_turn_delivery_is_behind()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (_, first, _) = await rig.ResumeAsync(0, "t");
        var (_, second, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => first.Received.Count + second.Received.Count == 2, "both caught up");
        var lag = rig.Get<DeliveryLag>();
        Assert.Equal(TimeSpan.Zero, lag.Now);

        using var writes = new SemaphoreSlim(0);
        first.Writing = second.Writing = () => writes.Wait(Longest, TestContext.Current.CancellationToken);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => lag.Now > TimeSpan.FromMilliseconds(50), "the first write takes long");
        writes.Release();
        await Eventually.TrueAsync(() => first.Versions.Concat(second.Versions).Count() == 1, "one has it");
        Assert.True(lag.Now > TimeSpan.FromMilliseconds(50)); // counted from the commit, and the other one still waits

        writes.Release();
        await Eventually.TrueAsync(() => first.Versions.Concat(second.Versions).Count() == 2, "both have it");
        await Eventually.TrueAsync(() => lag.Now == TimeSpan.Zero, "nothing waits");
    }

    [Fact]
    public async Task A_client_that_takes_nothing_does_not_hold_publishers_back()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var (session, slow, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => session.State == SessionState.Live && slow.Received.Count == 1, "live");
        slow.Stall();
        var asked = slow.Asked;
        await rig.PublishAsync(count: 2);
        await Eventually.TrueAsync(() => slow.Asked > asked, "its write was begun");
        await rig.PublishAsync(count: 2);
        var lag = rig.Get<DeliveryLag>();
        await Eventually.TrueAsync(() => lag.Now == TimeSpan.Zero, "what it does not take is not the node's delay");

        var (_, quick, _) = await rig.ResumeAsync(4, "t");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => quick.Versions.Contains(5), "the others go on");
        await Eventually.TrueAsync(() => lag.Now == TimeSpan.Zero, "nothing waits");
        slow.Open();
        await Eventually.TrueAsync(() => slow.Versions.Contains(5), "and it too");
        Assert.Equal([1L, 2L, 3L, 4L, 5L], slow.Versions);
    }

    [Fact]
    public async Task What_waits_for_a_quick_client_goes_out_in_one_write()
    {
        await using var rig = await DeliveryRig.StartAsync();
        using var writes = new SemaphoreSlim(0);
        var (_, sink) = await QuickAsync(rig, writes, "t");
        var last = 0L;
        for (var i = 0; i < 5; i++) last = await rig.PublishAsync();
        await Eventually.TrueAsync(() => rig.Position.Dispatched == last, "five more wait");
        var asked = sink.Asked;
        writes.Release(2);
        await Eventually.TrueAsync(() => sink.Versions.Count() == Proof + 6, "all came");
        Assert.Equal(2, sink.Asked - asked);
        Assert.Equal(Enumerable.Range(1, Proof + 6).Select(version => (long)version), sink.Versions);
    }

    [Fact]
    public async Task What_was_queued_before_an_unsubscribe_is_not_joined_with_what_came_after()
    {
        await using var rig = await DeliveryRig.StartAsync();
        using var writes = new SemaphoreSlim(0);
        var (session, sink) = await QuickAsync(rig, writes, "t", "u");
        await rig.PublishAsync("u");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => rig.Position.Dispatched == Proof + 3, "two wait");
        session.Unsubscribe([DeliveryRig.Filter("u")]);
        await rig.PublishAsync();
        var last = await rig.PublishAsync("u");
        await Eventually.TrueAsync(() => rig.Position.Dispatched == last, "all are dispatched");
        writes.Release(10);
        await Eventually.TrueAsync(() => sink.Versions.Contains(Proof + 4), "the last one came");
        Assert.Equal([.. Enumerable.Range(1, Proof + 1).Select(version => (long)version), Proof + 3, Proof + 4], sink.Versions);
    }

    // A session whose client has shown that it is quick, and one more write to it under way, which waits as all after it do.
    private static async Task<(DeliverySession Session, RecordingSink Sink)> QuickAsync(DeliveryRig rig, SemaphoreSlim writes, params string[] topics)
    {
        var (session, sink, _) = await rig.ResumeAsync(0, topics);
        await Eventually.TrueAsync(() => session.State == SessionState.Live && sink.Received.Count == 1, "live");
        for (var i = 0; i < Proof; i++) await rig.PublishAsync(titleLength: Large);
        await Eventually.TrueAsync(() => sink.Versions.Count() == Proof, "it has shown that it is quick");

        sink.Writing = () => writes.Wait(Longest, TestContext.Current.CancellationToken);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => rig.Get<DeliveryLag>().Now > TimeSpan.Zero, "a write is under way");
        return (session, sink);
    }
}
