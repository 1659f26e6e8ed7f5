using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Storage.Nodes;

namespace Notify.Tests.Specifications;

/// <summary>What every list of nodes does, whatever it is kept in. Each store inherits it.</summary>
public abstract class NodesSpecification : IAsyncLifetime
{
    private static readonly TimeSpan Lease = TimeSpan.FromMinutes(1);

    protected static CancellationToken Stop => TestContext.Current.CancellationToken;

    protected INotificationLog Log { get; set; } = null!;

    private INodes Nodes => Log.Nodes;

    protected abstract Task<INotificationLog> OpenAsync();

    /// <summary>Lets this time pass for what is stored.</summary>
    protected abstract Task PassAsync(TimeSpan time);

    public async ValueTask InitializeAsync() => Log = await OpenAsync();

    public virtual async ValueTask DisposeAsync()
    {
        await Log.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task A_node_is_listed_while_it_renews_its_lease_and_its_row_goes_when_it_does_not()
    {
        var (one, other) = (Node(), Node());
        Assert.Equal([one.Id], (await Renew(one)).Nodes);
        Assert.Equal(new[] { one.Id, other.Id }.Order(), (await Renew(other)).Nodes.Order());
        var listed = (await Nodes.ReadStatisticsAsync(Stop)).Nodes.Single(node => node.Id == one.Id);
        Assert.Equal((one.Version, one.Connections, one.Head), (listed.Version, listed.Connections, listed.Head));

        await PassAsync(Lease / 2);
        await Renew(one with { Connections = 9, Head = 11, Age = one.Age + Lease });
        await PassAsync(Lease / 2 + TimeSpan.FromSeconds(1));
        var left = Assert.Single((await Nodes.ReadStatisticsAsync(Stop)).Nodes);
        Assert.Equal((one.Id, 9, 11L), (left.Id, left.Connections, left.Head));
        Assert.Equal([one.Id], (await Renew(one)).Nodes);

        await Nodes.EndAsync(one.Id, Stop);
        Assert.Empty((await Nodes.ReadStatisticsAsync(Stop)).Nodes);
    }

    [Fact]
    public async Task A_new_kind_opens_once_every_node_knows_it_and_whoever_does_not_gets_no_lease_then()
    {
        const short Test = INodes.BaseKind + 2;
        var (newer, older, between) = (Node(Test), Node(), Node(Test - 1));
        Assert.Equal(INodes.BaseKind, (await Renew(newer)).Opened);
        await Renew(older);
        Assert.Equal(INodes.BaseKind, await Nodes.OpenGateAsync(Test, Stop));

        await Nodes.EndAsync(older.Id, Stop);
        await Renew(between);
        Assert.Equal(Test - 1, await Nodes.OpenGateAsync(Test, Stop)); // as far as all of them know
        await Nodes.EndAsync(between.Id, Stop);
        Assert.Equal(Test, await Nodes.OpenGateAsync(Test, Stop));

        var refused = await Renew(older);
        Assert.Equal((false, Test), (refused.IsHeld, refused.Opened));
        Assert.Equal([newer.Id], refused.Nodes);
        Assert.Equal(Test, await Nodes.OpenGateAsync(INodes.BaseKind, Stop)); // it never closes
    }

    [Fact]
    public async Task A_lease_and_a_gate_that_opens_at_the_same_time_never_both_succeed()
    {
        const short Test = INodes.BaseKind + 1;
        await Renew(Node(Test));
        for (short round = 0; round < 20; round++)
        {
            var kind = (short)(Test + round);
            var newer = Node(kind);
            foreach (var node in (await Nodes.ReadStatisticsAsync(Stop)).Nodes) await Nodes.EndAsync(node.Id, Stop);
            await Renew(newer);
            var older = Node((short)(kind - 1));
            var joining = Task.Run(() => Renew(older), Stop);
            var opening = Task.Run(() => Nodes.OpenGateAsync(kind, Stop), Stop);
            var isOpen = await opening == kind;
            Assert.True(isOpen != (await joining).IsHeld,
                $"round {round}: the gate {(isOpen ? "opened" : "stayed shut")} and the older node {((await joining).IsHeld ? "joined" : "was refused")}");
            if (isOpen) continue;
            await Nodes.EndAsync(older.Id, Stop);
            Assert.Equal(kind, await Nodes.OpenGateAsync(kind, Stop));
        }
    }

    [Fact]
    public async Task Users_are_remembered_as_seen_coarsely()
    {
        Assert.Null(await Nodes.LastSeenAsync("alice", Stop));
        await Log.Directory.ReadPeopleAsync([new SessionUser("alice", null), new SessionUser("bob", null)], Stop);
        await Nodes.SeenAsync(["alice", "nobody"], TimeSpan.FromMinutes(1), Stop);
        var seen = await Nodes.LastSeenAsync("alice", Stop);
        Assert.NotNull(seen);
        Assert.Null(await Nodes.LastSeenAsync("bob", Stop));

        await Nodes.SeenAsync(["alice"], TimeSpan.FromMinutes(1), Stop);
        Assert.Equal(seen, await Nodes.LastSeenAsync("alice", Stop));
        await PassAsync(TimeSpan.FromMinutes(2));
        await Nodes.SeenAsync(["alice"], TimeSpan.FromMinutes(1), Stop);
        Assert.NotEqual(seen, await Nodes.LastSeenAsync("alice", Stop));
    }

    private static NodeState Node(short knows = INodes.BaseKind) => new(Guid.NewGuid(), "1.2.3", "host", TimeSpan.FromHours(1), 3, 5, knows);

    private Task<LeaseAnswer> Renew(NodeState node) => Nodes.RenewAsync(node, Lease, Stop);
}
