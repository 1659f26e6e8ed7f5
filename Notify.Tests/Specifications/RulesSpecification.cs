using System.Diagnostics;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Engine.Directory;
using Notify.Engine.Directory.Attributes;
using Notify.Engine.Directory.Rules;
using Notify.Engine.Publishing;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;
using Notify.Tests.Publishing;

namespace Notify.Tests.Specifications;

/// <summary>Rules at work: users that satisfy the rule are the members, whatever other changes come between. Each store inherits it.</summary>
public abstract class RulesSpecification : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    private readonly List<Node> _nodes = [];

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    private Node One => _nodes[0];

    private protected IDirectory People => One.Log.Directory;

    /// <summary>The nodes that share a store: several where that is possible.</summary>
    protected abstract Task<IReadOnlyList<INotificationLog>> OpenAsync();

    public virtual async ValueTask InitializeAsync()
    {
        foreach (var log in await OpenAsync())
        {
            var node = new Node(log);
            await node.Writer.StartAsync(Stop);
            _nodes.Add(node);
        }
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes) await node.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_first_rule_is_filled_in_and_its_members_begin_with_one_entry()
    {
        await SetAsync("alice", """{"dept":"sales"}""");
        await SetAsync("bob", """{"dept":"it"}""");
        await SetAsync("carol", """{"dept":"sales"}""");
        await PutAsync("sales", "@.dept == 'sales'");
        var pending = await GroupAsync("sales");
        Assert.Equal((true, 0L), (pending.Pending, pending.Members));
        Assert.Empty((await People.ListMembersAsync(pending.Number, 0, 10, Stop)).Items);

        Assert.True(await One.Worker.WorkAsync(Stop));
        var group = await GroupAsync("sales");
        Assert.Equal((false, 2L, 2L), (group.Pending, group.Members, (await One.Log.ReadHeadAsync(Stop)).Head));
        Assert.Equal(["alice", "carol"], await MembersAsync("sales"));
        var entry = Assert.Single((await One.Log.ReadAsync(1, 10, 10_000, Stop)).Entries);
        Assert.Equal(new GroupChanged(group.Number, GroupChange.Activated) { Version = 2 }, DirectoryEntry.Parse(entry));
        Assert.Equal([new Interval(2)], await HeldAsync("alice", "sales"));
        Assert.False(await One.Worker.WorkAsync(Stop));
    }

    [Fact]
    public async Task A_changed_attribute_moves_its_user_with_an_entry_and_costs_none_when_it_moves_no_user()
    {
        await PutAsync("hot", "@.self.t > 30");
        await PutAsync("sales", "@.dept == 'sales'");
        await DrainAsync();
        var head = await HeadAsync();
        await SelfAsync("s1", """{"t":20}""");
        await SelfAsync("s1", """{"t":29.5,"unit":"C"}""");
        Assert.Equal(head, await HeadAsync());
        Assert.Equal("""{"self":{"t":29.5,"unit":"C"}}""", await AttributesAsync("s1"));

        await SelfAsync("s1", """{"t":31}""");
        Assert.Equal((head + 1, 1L), (await HeadAsync(), (await GroupAsync("hot")).Members));
        Assert.Equal([new Interval(head + 1)], await HeldAsync("s1", "hot"));
        await SelfAsync("s1", """{"t":40}""");
        Assert.Equal(head + 1, await HeadAsync());
        await SelfAsync("s1", """{"t":null}""");
        Assert.Equal([new Interval(head + 1, head + 2)], await HeldAsync("s1", "hot"));
        Assert.Equal(0L, (await GroupAsync("hot")).Members);

        // Nobody says of itself what administrators say.
        await SelfAsync("s1", """{"dept":"sales","self":{"t":99}}""");
        Assert.Empty(await MembersAsync("sales"));
        Assert.Empty(await MembersAsync("hot"));
    }

    [Fact]
    public async Task A_patch_that_changes_nothing_writes_nothing()
    {
        await SetAsync("alice", """{"n":1.0,"a":[1,{"x":"é"}]}""");
        var before = (await People.ReadAttributesAsync(["alice"], Stop)).Users[0];
        await SetAsync("alice", """{"n":1,"a":[1,{"x":"\u00e9"}],"gone":null}""");
        Assert.Equal(before.Stamp, (await People.ReadAttributesAsync(["alice"], Stop)).Users[0].Stamp);
        await SetAsync("alice", """{"n":null,"a":null}""");
        Assert.Null((await People.ReadAttributesAsync(["alice"], Stop)).Users[0].Json);
    }

    [Fact]
    public async Task A_changed_rule_enters_differences_alone_and_a_user_that_satisfies_both_stays()
    {
        for (var i = 0; i < 30; i++) await SetAsync($"u{i:00}", $$"""{"n":{{i}}}""");
        await PutAsync("g", "@.n < 20");
        await DrainAsync();
        var began = await HeldAsync("u15", "g");
        await PutAsync("g", "@.n >= 10");
        Assert.Equal((true, 20L), ((await GroupAsync("g")).Pending, (await GroupAsync("g")).Members));
        var head = await HeadAsync();
        await DrainAsync();

        Assert.Equal((false, 20L, head + 1), ((await GroupAsync("g")).Pending, (await GroupAsync("g")).Members, await HeadAsync()));
        Assert.Equal(began, await HeldAsync("u15", "g"));
        var moved = Assert.IsType<MembersChanged>(DirectoryEntry.Parse(Assert.Single((await One.Log.ReadAsync(head, 10, 10_000, Stop)).Entries)));
        Assert.Equal((10, 10), (moved.Groups[0].Joined.Count, moved.Groups[0].Left.Count));
        Assert.Equal(Enumerable.Range(10, 20).Select(i => $"u{i:00}"), await MembersAsync("g"));

        // The same members by another rule are no entries at all.
        await PutAsync("g", "!(@.n < 10)");
        head = await HeadAsync();
        await DrainAsync();
        Assert.Equal((false, head), ((await GroupAsync("g")).Pending, await HeadAsync()));
    }

    [Fact]
    public async Task An_activation_looks_again_at_whoever_changed_since_the_fill()
    {
        await SetAsync("in", """{"x":1}""");
        await SetAsync("out", """{"x":0}""");
        await PutAsync("g", "@.x == 1");
        var (work, rule) = await ClaimAsync("@.x == 1");
        var step = (await People.Rules.FillAsync(work, rule, 0, 100, Stop))!;
        await SetAsync("in", """{"x":0}""");
        await SetAsync("out", """{"x":1}""");

        var outcome = await MakeAsync(new DirectoryChange.ActivateGroup(work, rule, step.Mark, await People.Rules.CountFilledAsync(work, Stop)));
        Assert.Equal((ChangeStatus.Done, 1L), (outcome.Status, outcome.Members));
        Assert.Equal(["out"], await MembersAsync("g"));
        Assert.Equal(1, (await GroupAsync("g")).Members);
        Assert.Empty(await HeldAsync("in", "g"));
    }

    [Fact]
    public async Task A_chunk_looks_again_at_whoever_changed_since_it_was_found()
    {
        await SetAsync("stays", """{"x":1}""");
        await SetAsync("comes", """{"x":2}""");
        await PutAsync("g", "@.x == 1");
        await DrainAsync();
        await PutAsync("g", "@.x == 2");
        var (work, rule) = await ClaimAsync("@.x == 2");
        var found = await People.Rules.CompareAsync(work, rule, 0, 100, Stop);
        Assert.Equal([false, true], found.Differences.Select(difference => difference.IsSatisfied));

        // Both become right by themselves, or another's business, before the chunk.
        await SetAsync("stays", """{"x":2}""");
        await SetAsync("comes", """{"x":3}""");
        var outcome = await MakeAsync(new DirectoryChange.ApplyRule(work, rule, found.Differences));
        Assert.Equal((ChangeStatus.Done, 0L), (outcome.Status, outcome.Version));
        Assert.Equal(["stays"], await MembersAsync("g"));
        Assert.Equal([new Interval(2)], await HeldAsync("stays", "g"));
    }

    [Fact]
    public async Task A_change_that_was_found_to_move_no_user_is_not_stored_when_a_chunk_moved_its_user_meanwhile()
    {
        await SetAsync("alice", """{"x":1}""");
        await PutAsync("g", "@.x == 1");
        await DrainAsync();
        await PutAsync("g", "@.x == 2");
        var read = await People.ReadAttributesAsync(["alice"], Stop);
        var alice = read.Users[0];
        Assert.Equal([(await GroupAsync("g")).Number], alice.RuledGroups);

        // By x = 2 alice is a member, as she still is: found to move nobody. Then the chunk ends her membership.
        await DrainAsync();
        var late = new NewAttributes(alice.User, alice.Stamp, """{"x":2}""", null) { Groups = [new((await GroupAsync("g")).Number, true)] };
        Assert.Empty(await People.StoreAttributesAsync(read.RulesRevision, [late], Stop));
        await SetAsync("alice", """{"x":2}""");
        Assert.Equal(["alice"], await MembersAsync("g"));
    }

    [Fact]
    public async Task Nothing_is_entered_under_another_rule_or_by_an_owner_that_lost_its_lease()
    {
        await SetAsync("alice", """{"x":1}""");
        await PutAsync("g", "@.x == 1");
        var (first, rule) = await ClaimAsync("@.x == 1", TimeSpan.FromMilliseconds(1));
        var step = (await People.Rules.FillAsync(first, rule, 0, 100, Stop))!;
        RuleWork? second = null;
        await Fixtures.Eventually.TrueAsync(async () => (second = await People.Rules.ClaimAsync(Guid.NewGuid(), Lease, Stop)) is not null, "the lease is over");
        Assert.Null(await People.Rules.FillAsync(first, rule, 0, 100, Stop));
        Assert.Null(await People.Rules.FillChangedAsync(first, rule, step.Mark, Stop));
        Assert.False(await People.Rules.RenewAsync(first, Lease, Stop));
        Assert.Equal(ChangeStatus.Superseded, (await MakeAsync(new DirectoryChange.ActivateGroup(first, rule, step.Mark, 1))).Status);
        Assert.Equal(ChangeStatus.Superseded,
            (await MakeAsync(new DirectoryChange.ActivateGroup(first with { Owner = second!.Owner, Revision = 99 }, rule, step.Mark, 1))).Status);
        Assert.Null(await People.Rules.ClaimAsync(Guid.NewGuid(), Lease, Stop));

        // The second goes on from what the first has left.
        Assert.Equal(ChangeStatus.Done, (await MakeAsync(new DirectoryChange.ActivateGroup(second, rule, step.Mark, 1))).Status);
        await PutAsync("g", "@.x == 2");
        var (third, changed) = await ClaimAsync("@.x == 2");
        var found = await People.Rules.CompareAsync(third, changed, 0, 100, Stop);
        await PutAsync("g", "exists(@.x)");
        Assert.Equal(ChangeStatus.Superseded, (await MakeAsync(new DirectoryChange.ApplyRule(third, changed, found.Differences))).Status);
        await People.Rules.FinishAsync(third, Stop);
        Assert.True((await GroupAsync("g")).Pending);
        await DrainAsync();
        Assert.Equal(["alice"], await MembersAsync("g"));
        var head = await HeadAsync();
        Assert.Equal(ChangeStatus.Superseded,
            (await MakeAsync(new DirectoryChange.ChangeAttributes("alice", 1, _ => new AttributesDecision(null, null, [])))).Status);
        Assert.Equal(head, await HeadAsync());
    }

    [Fact]
    public async Task Static_and_dynamic_change_into_each_other_and_a_group_that_ended_before_it_was_active_leaves_nothing()
    {
        await SetAsync("alice", """{"x":1}""");
        await PutAsync("g", null);
        await MakeAsync(new DirectoryChange.ChangeMembers("g", ["bob"], []));
        await PutAsync("g", "@.x == 1");
        Assert.Empty(await MembersAsync("g"));
        await DrainAsync();
        Assert.Equal(["alice"], await MembersAsync("g"));
        await PutAsync("g", null);
        Assert.Empty(await MembersAsync("g"));
        await SetAsync("alice", """{"x":2}""");
        Assert.Empty(await MembersAsync("g"));

        await PutAsync("early", "exists(@.x)");
        var (work, rule) = await ClaimAsync("exists(@.x)");
        await People.Rules.FillAsync(work, rule, 0, 100, Stop);
        await MakeAsync(new DirectoryChange.DeleteGroup("early"));
        Assert.Equal(ChangeStatus.Superseded,
            (await MakeAsync(new DirectoryChange.ActivateGroup(work, rule, "0", 1) with { Mark = (await StepMarkAsync(rule)) })).Status);
        await People.Rules.AbandonAsync(work, Stop);
        await One.Log.SweepAsync(TimeSpan.FromDays(1), Stop);
        Assert.Equal(0, await People.Rules.CountFilledAsync(work, Stop));
        Assert.Empty(await HeldAsync("alice", "early"));
    }

    [Fact]
    public async Task A_preview_counts_and_names_some_and_changes_nothing()
    {
        for (var i = 0; i < 25; i++) await SetAsync($"u{i:00}", $$"""{"n":{{i}}}""");
        Assert.True(RuleParser.TryParse("@.n >= 5", out var rule, out _));
        var head = await HeadAsync();
        var first = await People.Rules.PreviewAsync(RuleTests.Of(rule), 0, 10, 3, Stop);
        Assert.Equal((5L, "u05,u06,u07"), (first.Members, string.Join(',', first.Examples)));
        var (members, next) = (first.Members, first.Next);
        while (next is { } from)
        {
            var more = await People.Rules.PreviewAsync(RuleTests.Of(rule), from, 10, 0, Stop);
            (members, next) = (members + more.Members, more.Next);
        }

        Assert.Equal((20L, head), (members, await HeadAsync()));
    }

    /// <summary>
    /// The trial model's schedules against the real thing: attributes and rules change while several workers, with leases so short
    /// that they take work from each other, fill in, activate and enter chunks. In the end, the members are the users that satisfy the rule.
    /// </summary>
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Members_are_the_users_that_satisfy_the_rule_whatever_came_between(int seed)
    {
        const int Users = 8, Rounds = 60;
        string[] groups = ["a", "b"];
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var workers = _nodes.SelectMany(node => new[] { node, node }).Select(node => Task.Run(() => WorkAsync(node, stop.Token), Stop)).ToList();
        var setters = Enumerable.Range(0, 3).Select(thread => Task.Run(
            async () =>
            {
                var random = new Random(seed * 100 + thread);
                for (var i = 0; i < Rounds; i++)
                {
                    var node = _nodes[random.Next(_nodes.Count)];
                    var (_, refusal) = await node.Attributes.PatchAsync($"u{random.Next(Users)}", Json($$"""{"x":{{random.Next(3)}}}"""), AttributesPart.Others, Stop);
                    Assert.Null(refusal);
                }
            },
            Stop)).ToList();
        setters.Add(Task.Run(
            async () =>
            {
                var random = new Random(seed);
                for (var i = 0; i < Rounds / 3; i++)
                {
                    var group = groups[random.Next(groups.Length)];
                    DirectoryChange change = random.Next(8) == 0 ? new DirectoryChange.DeleteGroup(group)
                        : new DirectoryChange.PutGroup(group, $"@.x == {random.Next(3)}");
                    await _nodes[random.Next(_nodes.Count)].Writer.MakeAsync(change, Stop);
                    await Task.Delay(random.Next(15), Stop);
                }

                foreach (var group in groups) await PutAsync(group, $"@.x == {random.Next(3)}");
            },
            Stop));
        await Task.WhenAll(setters);
        await stop.CancelAsync();
        await Task.WhenAll(workers);
        await Fixtures.Eventually.TrueAsync(async () =>
            { await DrainAsync(); return !(await GroupAsync("a")).Pending && !(await GroupAsync("b")).Pending; }, "all rules worked through");

        var attributes = await People.ReadAttributesAsync([.. Enumerable.Range(0, Users).Select(i => $"u{i}")], Stop);
        foreach (var name in groups)
        {
            var group = await GroupAsync(name);
            Assert.True(RuleParser.TryParse(group.Rule!, out var rule, out _));
            var satisfied = attributes.Users.Where(user => RuleTests.Of(rule).IsSatisfied(user.Json)).Select(user => user.Name).Order(StringComparer.Ordinal)
                .ToList();
            Assert.Equal(satisfied, await MembersAsync(name));
            Assert.Equal(satisfied.Count, group.Members);
        }

        await AreInOrderAsync(groups);
    }

    [Fact]
    public async Task A_thousand_rules_over_one_attribute_move_a_user_out_of_one_and_into_another_with_one_entry()
    {
        const int Rules = 1000;
        await SetAsync("alice", """{"n":7}""");
        await One.Log.Directory.ChangeAsync(
            new ChangeBatch(Guid.NewGuid(), [.. Enumerable.Range(0, Rules).Select(i => new DirectoryChange.PutGroup($"g{i}", $"@.n == {i}"))],
                new DirectoryLimits(Rules, Rules)), Stop);
        await DrainAsync();
        Assert.Equal(["g7"], await People.ListGroupsOfAsync("alice", null, 10, Stop));
        var head = await HeadAsync();
        await SetAsync("alice", """{"n":993}""");
        var moved = Assert.IsType<MembersChanged>(DirectoryEntry.Parse(Assert.Single((await One.Log.ReadAsync(head, 10, 10_000, Stop)).Entries)));
        Assert.Equal(2, moved.Groups.Count);
        Assert.Equal(["g993"], await People.ListGroupsOfAsync("alice", null, 10, Stop));
        Assert.Equal((0L, 1L), ((await GroupAsync("g7")).Members, (await GroupAsync("g993")).Members));
    }

    private static async Task WorkAsync(Node node, CancellationToken stop)
    {
        var lease = TimeSpan.FromMilliseconds(2);
        try
        {
            while (!stop.IsCancellationRequested)
            {
                if (await node.Log.Directory.Rules.ClaimAsync(Guid.NewGuid(), lease, stop) is not { } work)
                {
                    await Task.Delay(1, stop);
                    continue;
                }

                Assert.True(RuleParser.TryParse(work.Rule, out var parsed, out _));
                var rule = RuleTests.Of(parsed);
                if (work.IsActive)
                {
                    var next = (long?)0;
                    while (next is { } from)
                    {
                        var slice = await node.Log.Directory.Rules.CompareAsync(work, rule, from, 3, stop);
                        await node.Writer.MakeAsync(new DirectoryChange.ApplyRule(work, rule, slice.Differences), stop);
                        next = slice.Next;
                    }

                    await node.Log.Directory.Rules.FinishAsync(work, stop);
                }
                else if (await node.Log.Directory.Rules.FillAsync(work, rule, 0, 1000, stop) is { } step)
                {
                    var filled = await node.Log.Directory.Rules.CountFilledAsync(work, stop);
                    await node.Writer.MakeAsync(new DirectoryChange.ActivateGroup(work, rule, step.Mark, filled), stop);
                }
            }
        }
        catch (OperationCanceledException)
        {
        }
    }

    /// <summary>No version is missing, and nobody is a member twice.</summary>
    private async Task AreInOrderAsync(string[] groups)
    {
        var after = 0L;
        while ((await One.Log.ReadAsync(after, 1000, 1_000_000, Stop)).Entries is { Count: > 0 } entries)
        {
            Assert.Equal(Enumerable.Range(1, entries.Count).Select(i => after + i), entries.Select(entry => entry.Version));
            after = entries[^1].Version;
        }

        foreach (var name in groups)
        {
            var group = await GroupAsync(name);
            foreach (var user in (await People.ListMembersAsync(group.Number, 0, 100, Stop)).Items)
            {
                var held = (await HeldAsync(user.Name, name)).ToList();
                Assert.Single(held, interval => interval.IsOpen);
                Assert.Equal(held.OrderBy(interval => interval.Since), held.DistinctBy(interval => interval.Since).OrderBy(interval => interval.Since));
                for (var i = 1; i < held.Count; i++) Assert.True(held[i - 1].Until <= held[i].Since);
            }
        }
    }

    private async Task<string> StepMarkAsync(RuleTest rule)
    {
        await PutAsync("other", "exists(@.y)");
        var (work, _) = await ClaimAsync("exists(@.y)");
        return (await People.Rules.FillAsync(work, rule, 0, 100, Stop))!.Mark;
    }

    private protected async Task<(RuleWork Work, RuleTest Rule)> ClaimAsync(string text, TimeSpan? lease = null)
    {
        var work = await People.Rules.ClaimAsync(Guid.NewGuid(), lease ?? Lease, Stop);
        Assert.Equal(text, work!.Rule);
        Assert.True(RuleParser.TryParse(text, out var rule, out _));
        return (work, RuleTests.Of(rule));
    }

    private protected async Task<ChangeOutcome> MakeAsync(DirectoryChange change) =>
        Assert.IsType<ChangeAnswer.Made>(await One.Writer.MakeAsync(change, Stop)).Outcome;

    private protected async Task PutAsync(string group, string? rule) => await MakeAsync(new DirectoryChange.PutGroup(group, rule));

    private protected async Task SetAsync(string user, string patch) =>
        Assert.Null((await One.Attributes.PatchAsync(user, Json(patch), AttributesPart.Others, Stop)).Refusal);

    private async Task SelfAsync(string user, string patch) =>
        Assert.Null((await One.Attributes.PatchAsync(user, Json(patch), AttributesPart.Self, Stop)).Refusal);

    private protected async Task DrainAsync()
    {
        var waited = Stopwatch.StartNew();
        while (await One.Worker.WorkAsync(Stop)) Assert.True(waited.Elapsed < Eventually.Patience, "There is work and work.");
    }

    private async Task<string> AttributesAsync(string user) =>
        JsonSerializer.Serialize(AttributePatch.Shown((await People.ReadAttributesAsync([user], Stop)).Users[0].Json, AttributesPart.Others));

    private async Task<DirectoryGroup> GroupAsync(string name) => (await People.FindGroupAsync(name, Stop))!;

    private async Task<long> HeadAsync() => (await One.Log.ReadHeadAsync(Stop)).Head;

    private protected async Task<IEnumerable<string>> MembersAsync(string group) =>
        (await People.ListMembersAsync((await GroupAsync(group)).Number, 0, 1000, Stop)).Items.Select(user => user.Name).Order(StringComparer.Ordinal);

    private async Task<IEnumerable<Interval>> HeldAsync(string user, string group) =>
        (await People.ReadPeopleAsync([new(user, null)], Stop)).Users[0].Groups.Where(held => held.Name == group).Select(held => held.Held)
            .OrderBy(held => held.Since);

    private static JsonElement Json(string text) => JsonElement.Parse(text);

    private sealed class Node : IAsyncDisposable
    {
        private readonly RuleIndex _rules;

        public Node(INotificationLog log)
        {
            Log = log;
            Writer = new DirectoryWriter(log, new HandedOver(), new AppendTurn(), Options.Create(new NotifyOptions()), TimeProvider.System,
                NullLogger<DirectoryWriter>.Instance);
            _rules = new RuleIndex(log);
            Attributes = new AttributeChanges(log, Writer, _rules, TimeProvider.System);
            Worker = new RuleWorker(log, Writer, TimeProvider.System, NullLogger<RuleWorker>.Instance);
        }

        public INotificationLog Log { get; }

        public DirectoryWriter Writer { get; }

        public AttributeChanges Attributes { get; }

        public RuleWorker Worker { get; }

        public async ValueTask DisposeAsync()
        {
            Worker.Dispose();
            _rules.Dispose();
            await Writer.StopAsync(CancellationToken.None);
            Writer.Dispose();
            await Log.DisposeAsync();
        }
    }
}
