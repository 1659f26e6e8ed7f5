using System.Globalization;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;
using Xunit.Sdk;

namespace Notify.Tests.Cluster;

/// <summary>Two server processes on one database, with followers on both.</summary>
internal sealed class NodePair : IAsyncDisposable
{
    private readonly List<StockFollower> _followers = [];
    private long _published;

    private NodePair(ServerProcess one, ServerProcess other) => Nodes = [one, other];

    public IReadOnlyList<ServerProcess> Nodes { get; }

    public IReadOnlyList<StockFollower> Followers => _followers;

    public long Published => Volatile.Read(ref _published);

    /// <summary>Starts both at once, on a database that is still empty.</summary>
    public static async Task<NodePair> StartAsync(params (string Name, string Value)[] settings)
    {
        var nodes = await Task.WhenAll(ServerProcess.StartAsync(settings), ServerProcess.StartAsync(settings));
        var pair = new NodePair(nodes[0], nodes[1]);
        foreach (var node in nodes)
        {
            foreach (var messagePack in new[] { false, true })
            {
                var follower = new StockFollower(node.Url, messagePack);
                pair._followers.Add(follower);
                await follower.ResumeAsync(0, null, "#");
            }
        }

        return pair;
    }

    /// <summary>Publishes to both nodes in turn, several at a time, until told to stop; fails when one is refused.</summary>
    public Task PublishUntilAsync(CancellationToken stop) => Task.WhenAll(Enumerable.Range(0, 4).Select(async publisher =>
    {
        for (var i = publisher; !stop.IsCancellationRequested; i++)
        {
            await Nodes[i % 2].PublishAsync($"orders/{publisher}", i.ToString(CultureInfo.InvariantCulture));
            Interlocked.Increment(ref _published);
        }
    }));

    /// <summary>Every follower receives so many more.</summary>
    public async Task FlowsOnAsync(int more)
    {
        foreach (var follower in _followers) await follower.Received.CountAsync(follower.Received.Count + more);
    }

    /// <summary>Everything published has come to everybody once, in version order, the same on both nodes.</summary>
    public async Task CompleteAsync()
    {
        foreach (var follower in _followers)
        {
            var received = await follower.Received.CountAsync((int)Published);
            Assert.Equal(Enumerable.Range(1, (int)Published).Select(i => (long?)i), received.Select(n => n.Version));
            Assert.Equal(_followers[0].Received.Items.Select(n => n.Id), received.Select(n => n.Id));
            Assert.Empty(follower.Gaps.Items);
            Assert.Empty(follower.Closed.Items);
        }
    }

    /// <summary>The sum of a counter of one node.</summary>
    public static async Task<double> CountedAsync(ServerProcess node, string name, string tag = "") =>
        (await node.Http.GetStringAsync(new Uri("metrics", UriKind.Relative))).Split('\n')
            .Where(line => line.StartsWith(name, StringComparison.Ordinal) && line.Contains(tag, StringComparison.Ordinal))
            .Sum(line => double.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture));

    /// <summary>Both nodes come to hear the other: their counter of messages goes up.</summary>
    public async Task HearAsync()
    {
        foreach (var node in Nodes)
        {
            var before = await CountedAsync(node, "notify_link_received");
            try
            {
                await Eventually.TrueAsync(async () => await CountedAsync(node, "notify_link_received") > before, "messages of the other node come in");
            }
            catch (FailException failure)
            {
                Assert.Fail($"{node.Url}: {failure.Message}\n{string.Join('\n', await Task.WhenAll(Nodes.Select(StateAsync)))}");
            }
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var follower in _followers) await follower.DisposeAsync();
        foreach (var node in Nodes) await node.DisposeAsync();
    }

    // Why a node hears nothing is in its own report and log, which are gone with it.
    private static async Task<string> StateAsync(ServerProcess node) =>
        $"{node.Url}: {await node.EndingAsync() ?? $"{await TwoNodesSpecification.ReadyAsync(node)}\n    {string.Join("\n    ", node.Output.TakeLast(40))}"}";
}
