using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Inbox;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Tests.Delivery;
using Notify.Tests.Fixtures;

namespace Notify.Tests.People;

/// <summary>What is said about why agrees with what was sent.</summary>
public sealed class ExplainingTests
{
    private static readonly string[] Filters = ["t/0", "t/+", "#", "t/1"];
    private static readonly string[] Topics = ["t/0", "t/1", "u", "$group/g0", "$group/g1", "$user/alice", "$user/bob"];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task It_says_delivered_exactly_where_dispatch_and_replay_deliver(int seed)
    {
        var random = new Random(seed);
        await using var rig = await DeliveryRig.StartAsync();
        await rig.ChangeAsync(new DirectoryChange.PutGroup("g0"), new DirectoryChange.PutGroup("g1"));
        var (_, dispatched, _) = await rig.ResumeAsAsync("alice", since: 0);
        for (var step = 0; step < 60; step++) await StepAsync(rig, random);
        var (naming, named, at) = await rig.ResumeAsAsync("alice", since: null, topics: ["t/1"]);
        for (var step = 0; step < 60; step++) await StepAsync(rig, random);
        var (_, replayed, _) = await rig.ResumeAsAsync("alice", since: 0);
        var mark = await rig.PublishAsync("$user/alice");
        foreach (var sink in new[] { dispatched, named, replayed })
            await Eventually.TrueAsync(() => sink.Versions.Contains(mark), $"all of it came (seed {seed})");

        var said = new List<long>();
        var saidOfNaming = new List<long>();
        for (var version = 1L; version <= mark; version++)
        {
            if (await ExplainAsync(rig, version) is not { } explanation) continue;
            Assert.Equal(explanation.Verdict == ExplanationVerdict.Delivered, explanation.Interests.Any(interest => interest.Brings));
            if (explanation.Verdict == ExplanationVerdict.Delivered) said.Add(version);
            var byName = naming.Explain(version, explanation.Entry!.Topic).Any(interest => interest.Brings);
            if (version > at.Since && (explanation.Verdict == ExplanationVerdict.Delivered || byName)) saidOfNaming.Add(version);
        }

        Assert.Equal(dispatched.Versions, said);
        Assert.Equal(replayed.Versions, said);
        Assert.Equal(named.Versions, saidOfNaming);
    }

    [Fact]
    public async Task It_tells_since_when_until_when_what_expired_and_what_retention_left()
    {
        await using var rig = await DeliveryRig.StartAsync();
        var before = await rig.PublishAsync("$group/g");
        await rig.ChangeAsync(new DirectoryChange.PutGroup("g"));
        var joined = await rig.ChangeAsync(new DirectoryChange.ChangeMembers("g", ["alice"], []));
        var member = await rig.PublishAsync("$group/g");
        var left = await rig.ChangeAsync(new DirectoryChange.ChangeMembers("g", [], ["alice"]));
        var after = await rig.PublishAsync("$group/g");
        var own = await rig.PublishAsync("$user/alice", ttlSeconds: 3600);
        var passing = await rig.PublishAsync("$user/alice", ttlSeconds: 1);
        await rig.ChangeAsync(new DirectoryChange.MarkInbox("alice", InboxOperation.Read, rig.Position.View!.EpochId, null, after, "", (_, _) => true));

        foreach (var (version, verdict) in new[] { (before, ExplanationVerdict.Missed), (member, ExplanationVerdict.Delivered),
            (after, ExplanationVerdict.Missed) })
        {
            var found = (await ExplainAsync(rig, version))!;
            var interest = Assert.Single(found.Interests);
            Assert.Equal((verdict, "$group/g", joined, left), (found.Verdict, interest.Filter, interest.Since, interest.Until));
            Assert.Equal(version == member, found.Marks.ReadAt is not null);
        }

        Assert.Null(await ExplainAsync(rig, joined));
        Assert.Null(await ExplainAsync(rig, 1000));
        Assert.Empty((await ExplainAsync(rig, own, "bob"))!.Interests);
        await Eventually.TrueAsync(async () => (await ExplainAsync(rig, passing))!.Verdict == ExplanationVerdict.Expired, "it expires");

        await rig.PublishAsync("t");
        await Eventually.TrueAsync(async () =>
            (await rig.Log.SweepAsync(TimeSpan.Zero, CancellationToken.None)) is var head && head.Oldest > head.Head, "retention takes all");
        Assert.Equal(ExplanationVerdict.Gone, (await ExplainAsync(rig, passing + 2))!.Verdict);
        var kept = (await ExplainAsync(rig, own))!;
        Assert.Equal((ExplanationVerdict.Delivered, true), (kept.Verdict, own < kept.Head.Oldest));
    }

    private static Task<Explanation?> ExplainAsync(DeliveryRig rig, long version, string user = "alice") =>
        Explaining.OfStoredAsync(rig.Log, user, version, CancellationToken.None);

    private static async Task StepAsync(DeliveryRig rig, Random random)
    {
        var (group, filter) = ($"g{random.Next(2)}", Filters[random.Next(Filters.Length)]);
        await (random.Next(12) switch
        {
            0 => rig.ChangeAsync(new DirectoryChange.ChangeMembers(group, ["alice", "bob"], [])),
            1 => rig.ChangeAsync(new DirectoryChange.ChangeMembers(group, [], ["alice"])),
            2 => rig.ChangeAsync(new DirectoryChange.DeleteGroup(group), new DirectoryChange.PutGroup(group)),
            3 => rig.ChangeAsync(new DirectoryChange.Subscribe("alice", [filter])),
            4 => rig.ChangeAsync(new DirectoryChange.Unsubscribe("alice", [filter])),
            _ => rig.PublishAsync(Topics[random.Next(Topics.Length)]),
        });
    }
}
