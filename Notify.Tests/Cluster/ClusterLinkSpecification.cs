using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Backplanes;
using Notify.Server.Configuration;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Tests.Delivery;
using Notify.Tests.Fixtures;
using Polly.CircuitBreaker;
using StackExchange.Redis;

namespace Notify.Tests.Cluster;

/// <summary>
/// What every link must do, whatever carries it: two nodes and a stranger on one log. Nothing is lost, nothing comes
/// twice, and the order is the log's, with hints and in spite of them.
/// </summary>
public abstract class ClusterLinkSpecification : IAsyncLifetime
{
    private const string Sent = "notify.link.sent";
    private const string Received = "notify.link.received";
    private const string Invalid = "notify.link.invalid";
    private const string Reads = "notify.tail.reads";

    private readonly TempFolder _folder = new();
    private ClusterSettings _settings = null!;
    private INotificationLog _log = null!;
    private ClusterNode _one = null!;
    private ClusterNode _other = null!;
    private ClusterNode _stranger = null!; // silent; a test speaks on the backplane in its place

    protected virtual bool Crosses => true;

    internal abstract Task<ClusterSettings> SettingsAsync();

    /// <summary>Ends the connections on which nodes hear each other; they may connect again at once.</summary>
    protected abstract Task CutAsync();

    public async ValueTask InitializeAsync()
    {
        _settings = await SettingsAsync();
        _log = await LogStore.OpenAsync(new StorageOptions { SqlitePath = _folder.File("log.db") }, CancellationToken.None);
        (_one, _other, _stranger) =
            (await ClusterNode.StartAsync(_log, _settings), await ClusterNode.StartAsync(_log, _settings),
            await ClusterNode.StartAsync(_log, _settings, isSilent: true));
        if (!Crosses) return;
        await Eventually.TrueAsync(
            async () =>
            {
                try
                {
                    await SayAsync(new LinkMessage.Position(_one.Epoch, 1, 1));
                }
                catch (Exception exception) when (exception is RedisException or BrokenCircuitException)
                {
                    return false; // it connects beside the start
                }

                return _one.Counted[Received] > 0 && _other.Counted[Received] > 0;
            },
            "both nodes hear");
    }

    public virtual async ValueTask DisposeAsync()
    {
        foreach (var node in new[] { _one, _other, _stranger })
            if (node is not null) await node.DisposeAsync();
        if (_log is not null) await _log.DisposeAsync();
        _folder.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task What_two_nodes_publish_at_once_arrives_on_both_once_and_in_order()
    {
        var sinks = new[] { await _one.FollowAsync(), await _other.FollowAsync() };
        await Task.WhenAll(Enumerable.Range(0, 50).Select(i => (i % 2 == 0 ? _one : _other).PublishAsync(1 + i % 5)));
        await DeliveredAsync(150, sinks);
    }

    [Fact]
    public async Task Nobody_waits_for_a_poll_where_messages_cross()
    {
        var sink = await _other.FollowAsync();
        for (var i = 1; i <= 20; i++)
        {
            await _one.PublishAsync();
            await Eventually.TrueAsync(() => sink.Versions.LastOrDefault() == i, $"number {i}");
        }

        if (Crosses) Assert.True(_other.Counted[Reads, "poll"] < 5, $"{_other.Counted[Reads, "poll"]} of 20 were found by a poll.");
        else Assert.Equal(0, _other.Counted[Received]);
        await DeliveredAsync(20, sink);
    }

    [Fact]
    public async Task An_ephemeral_one_arrives_once_on_every_node_that_is_reached()
    {
        var (here, there) = (await _one.FollowAsync(), await _other.FollowAsync());
        _one.PublishEphemeral();
        await _one.PublishAsync(); // comes after it on every backplane
        await Eventually.TrueAsync(() => here.Versions.Contains(1) && there.Versions.Contains(1), "the one after it");
        Assert.Equal([0, 1], here.Versions.Order());
        Assert.Equal(Crosses ? [0, 1] : [1], there.Versions.Order());
    }

    [Fact]
    public async Task Early_late_repeated_and_overlapping_hints_deliver_once_and_in_order()
    {
        var sink = await _other.FollowAsync();
        var stored = (await ClusterNode.AppendAsync(_log, 100)).Stored;
        foreach (var (from, to) in new[] { (60, 80), (10, 30), (0, 5), (0, 20), (20, 70), (20, 70), (95, 100), (90, 97), (75, 96) })
            await SayAsync(new LinkMessage.Entries(_one.Epoch, [.. stored.Skip(from).Take(to - from)]));
        await DeliveredAsync(100, sink);
    }

    [Fact]
    public async Task A_position_without_contents_is_read_from_the_log()
    {
        var sink = await _other.FollowAsync();
        await ClusterNode.AppendAsync(_log, 100);
        await SayAsync(new LinkMessage.Position(_one.Epoch, 1, 100));
        await SayAsync(new LinkMessage.Position(_one.Epoch, 1, 3));
        await SayAsync(new LinkMessage.Position(_one.Epoch, 5000, LogLimits.MaxVersion)); // there is no such version
        await DeliveredAsync(100, sink);
        await _one.PublishAsync();
        await DeliveredAsync(101, sink);
    }

    [Fact]
    public async Task A_batch_larger_than_a_message_arrives()
    {
        var sink = await _other.FollowAsync();
        await _one.PublishAsync(60, bodyBytes: 50_000);
        await DeliveredAsync(60, sink);
    }

    [Fact]
    public async Task What_is_of_another_epoch_delivers_nothing()
    {
        var sink = await _other.FollowAsync();
        var foreign = Guid.NewGuid();
        await SayAsync(new LinkMessage.Entries(foreign, [Entries.At(1, "invented")]));
        await SayAsync(new LinkMessage.Ephemeral(foreign, Entries.At(0, "invented") with { TopicSeq = 0 }));
        await _one.PublishAsync();
        await DeliveredAsync(1, sink);
        Assert.All(sink.Received.Where(r => r.Target == "Notification"), r => Assert.Equal("t", r.Argument.GetProperty("topic").GetString()));
        if (Crosses) await Eventually.TrueAsync(() => _other.Counted[Invalid, "epoch"] == 2, "both are counted");
    }

    [Fact]
    public async Task A_node_that_has_not_read_the_log_yet_is_no_error()
    {
        await SayAsync(new LinkMessage.Hello(Guid.Empty)); // as a node that is asked for its health while it starts
        await SayAsync(new LinkMessage.Position(Guid.NewGuid(), 1, 1));
        if (Crosses) await Eventually.TrueAsync(() => _other.Counted[Invalid, "epoch"] > 0, "what came after it is counted");
        Assert.Equal(Crosses ? 1 : 0, _other.Counted[Invalid, "epoch"]);
    }

    [Fact]
    public async Task What_is_no_message_is_counted_and_passed_over()
    {
        var sink = await _other.FollowAsync();
        var valid = LinkWriter.Write(Guid.NewGuid(), new LinkMessage.Entries(_one.Epoch, [Entries.At(1, "invented")])).Bytes;
        byte[][] wrong =
        [
            [],
            [1, 2, 3],
            [99, .. valid[1..]], // another format
            valid[..^1],
            [.. valid, 0],
            [valid[0], 77, .. valid[2..]],
        ];
        foreach (var bytes in wrong) await SayAsync(new EncodedMessage(bytes, bytes.Length, LinkKind.Entries));
        await _one.PublishAsync();
        await DeliveredAsync(1, sink);
        if (Crosses) await Eventually.TrueAsync(() => _other.Counted[Invalid] == wrong.Length, $"{wrong.Length} counted, not {_other.Counted[Invalid]}");
    }

    [Fact]
    public async Task A_node_passes_over_its_own_messages()
    {
        await _one.PublishAsync(3);
        if (Crosses) await Eventually.TrueAsync(() => _other.Counted[Received, "entries"] > 0, "the other node has heard");
        Assert.Equal(0, _one.Counted[Received, "entries"]);
        Assert.Equal(0, _one.Counted[Invalid]);
    }

    [Fact]
    public async Task A_node_alone_sends_no_hints_and_a_node_that_comes_is_told_the_version()
    {
        await using var log = await OpenLogAsync();
        var time = new FakeTimeProvider();
        await using var alone = await StartAloneAsync(log, time);
        if (!Crosses) return;
        await using var newcomer = await ClusterNode.StartAsync(log, _settings, time);
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(ClusterLink.FirstHelloInterval);
                return alone.Counted[Sent, "position"] == 1;
            },
            "the newcomer is told");
        Assert.Equal(1, await EntriesToldAsync(alone));
    }

    [Fact]
    public async Task A_node_that_the_database_shows_alone_sends_no_hints_once_it_hears_itself()
    {
        if (!Crosses) return;
        await using var log = await OpenLogAsync();
        await using var alone = await ClusterNode.StartAsync(log, _settings, new FakeTimeProvider()); // no time passes: silence tells it nothing
        await Eventually.TrueAsync(
            async () =>
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromMilliseconds(200)); // a hello before it is connected is dropped
                await Task.WhenAny(alone.Get<ClusterLink>().HearsItselfAsync(OtherNodes.HelloInterval, limit.Token));
                return await EntriesToldAsync(alone) == 0;
            },
            "it has found that it is alone");
    }

    [Fact]
    public async Task A_node_that_was_alone_and_heard_nothing_for_a_moment_sends_its_version()
    {
        if (!Crosses) return;
        await using var log = await OpenLogAsync();
        var time = new FakeTimeProvider();
        await using var alone = await StartAloneAsync(log, time);
        var last = (await alone.PublishAsync())[^1].Version;
        Assert.DoesNotContain(alone.Said, message => message is LinkMessage.Position);
        var startedAt = time.GetTimestamp();
        await CutAsync();
        await Eventually.TrueAsync(
            () =>
            {
                time.Advance(TimeSpan.FromMilliseconds(10)); // it connects again after a pause
                return alone.Counted[Sent, "position"] == 1;
            },
            "somebody may have come meanwhile: it is told");
        Assert.Equal((alone.Epoch, last), alone.Said.OfType<LinkMessage.Position>().Select(said => (said.Epoch, said.Last)).Single());
        Assert.DoesNotContain(alone.Said, message => message is LinkMessage.Entries entries && entries.Committed[0].Version == last);
        Assert.True(time.GetElapsedTime(startedAt) < OtherNodes.Silence, "not because nobody is heard for long");
    }

    /// <summary>In the epoch of another log: what the three others say does not count as company.</summary>
    private Task<INotificationLog> OpenLogAsync() => LogStore.OpenAsync(new StorageOptions { SqlitePath = _folder.File("alone.db") }, CancellationToken.None);

    private async Task<ClusterNode> StartAloneAsync(INotificationLog log, FakeTimeProvider time)
    {
        var alone = await ClusterNode.StartAsync(log, _settings, time);

        // What is told before the link is connected is dropped: its own hello must have gone and come back.
        Task<bool>? hears = null;
        await Eventually.TrueAsync(
            () =>
            {
                if (!Crosses) return true;
                if (hears is null or { IsCompleted: true, Result: false })
                    hears = alone.Get<ClusterLink>().HearsItselfAsync(OtherNodes.HelloInterval, CancellationToken.None);
                time.Advance(ClusterLink.FirstHelloInterval);
                return hears is { IsCompleted: true, Result: true };
            },
            "it is connected");
        await Eventually.TrueAsync(
            async () =>
            {
                time.Advance(OtherNodes.HelloInterval);
                return await EntriesToldAsync(alone) == 0;
            },
            "it has found that it is alone");
        return alone;
    }

    /// <summary>How often an append is told.</summary>
    private static async Task<long> EntriesToldAsync(ClusterNode node)
    {
        var (entries, ephemeral) = (node.Counted[Sent, "entries"], node.Counted[Sent, "ephemeral"]);
        await node.PublishAsync();
        node.PublishEphemeral(); // is told whether or not anybody may be there, and behind it
        if (node.Get<IBackplane>().Crosses) await Eventually.TrueAsync(() => node.Counted[Sent, "ephemeral"] == ephemeral + 1, "the one behind it");
        return node.Counted[Sent, "entries"] - entries;
    }

    private Task SayAsync(LinkMessage message) => SayAsync(LinkWriter.Write(Guid.NewGuid(), message));

    private Task SayAsync(EncodedMessage message) => _stranger.Get<IBackplane>().SendAsync([message], CancellationToken.None);

    private static async Task DeliveredAsync(int count, params RecordingSink[] sinks)
    {
        foreach (var sink in sinks)
        {
            await Eventually.TrueAsync(() => sink.Versions.LastOrDefault() >= count, $"{count} delivered");
            Assert.Equal(Enumerable.Range(1, count).Select(i => (long)i), sink.Versions);
        }
    }
}
