using Microsoft.AspNetCore.Http.Connections;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>The promise of the service, with the stock .NET client, over every protocol and transport it has.</summary>
public class LiveAndReplayTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    // Server-sent events are text: no MessagePack.
    public static TheoryData<bool, HttpTransportType> Ways => new()
    {
        { false, HttpTransportType.WebSockets },
        { true, HttpTransportType.WebSockets },
        { false, HttpTransportType.LongPolling },
        { true, HttpTransportType.LongPolling },
        { false, HttpTransportType.ServerSentEvents },
    };

    private ServerProcess Server => fixture.Server;

    [Theory]
    [MemberData(nameof(Ways))]
    public async Task What_is_published_arrives_live_and_what_was_missed_arrives_on_return_once_and_in_order(bool messagePack, HttpTransportType transport)
    {
        var topic = $"promise/{messagePack}/{transport}";
        List<long> versions = [];
        StockPlace place;

        await using (var first = new StockFollower(Server.Url, messagePack, transport))
        {
            place = await first.ResumeAsync(null, null, topic);
            await first.CaughtUp.CountAsync(1);
            for (var i = 0; i < 3; i++) versions.Add(await Server.PublishAsync(topic, $"live {i}"));
            var live = await first.Received.CountAsync(3);
            Assert.Equal(versions, live.Select(n => n.Version!.Value));
            Assert.Equal(["live 0", "live 1", "live 2"], live.Select(n => n.Body));
            Assert.Equal([1, 2, 3], live.Select(n => n.TopicSeq!.Value));
        }

        var seen = versions[^1];
        for (var i = 0; i < 250; i++) versions.Add(await Server.PublishAsync(topic, $"missed {i}"));
        await Server.PublishAsync("promise/other", "not for this one");

        await using var second = new StockFollower(Server.Url, messagePack, transport);
        Assert.Equal(seen, (await second.ResumeAsync(seen, place.Epoch, topic)).Since);
        var caughtUp = (await second.CaughtUp.CountAsync(1))[0];
        Assert.True(caughtUp.Head >= versions[^1]);
        Assert.Equal(versions.Skip(3), second.Received.Items.Select(n => n.Version!.Value));

        versions.Add(await Server.PublishAsync(topic, "live again"));
        var all = await second.Received.CountAsync(251);
        Assert.Equal(versions.Skip(3), all.Select(n => n.Version!.Value));
        Assert.Equal("live again", all[^1].Body);
        Assert.Empty(second.Gaps.Items);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_hub_client_publishes_and_another_receives_what_it_sent(bool messagePack)
    {
        var topic = $"published/over/the/hub/{messagePack}";
        await using var follower = new StockFollower(Server.Url, messagePack);
        await follower.ResumeAsync(null, null, "published/#");
        await using var publisher = new StockFollower(Server.Url, messagePack);
        await publisher.StartAsync(); // Publish needs no Resume

        var answer = await publisher.InvokeAsync<StockNotification>(
            "Publish", new Dictionary<string, object> { ["topic"] = topic, ["title"] = "Größe 🙂", ["data"] = new Dictionary<string, object> { ["n"] = 42 } });

        var received = await follower.Received.FirstAsync(n => n.Topic == topic);
        Assert.Equal((answer.Version, answer.Id, answer.PublishedAt), (received.Version, received.Id, received.PublishedAt));
        Assert.Equal("Größe 🙂", received.Title);
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", received.PublishedAt);
        if (messagePack) Assert.Equal(42, Convert.ToInt64(Assert.IsType<Dictionary<object, object>>(received.Data)["n"], null));
        else Assert.Equal("""{"n":42}""", received.Data!.ToString());
    }

    [Fact]
    public async Task An_ephemeral_one_reaches_live_clients_and_none_later()
    {
        await using var live = new StockFollower(Server.Url);
        var place = await live.ResumeAsync(null, null, "typing/#");
        await live.CaughtUp.CountAsync(1);
        await live.InvokeAsync<StockNotification>(
            "Publish", new Dictionary<string, object> { ["topic"] = "typing/room", ["body"] = "…", ["ephemeral"] = true });
        var received = await live.Received.FirstAsync(n => n.Topic == "typing/room");
        Assert.Null(received.Version);
        Assert.True(received.Ephemeral);

        await using var later = new StockFollower(Server.Url);
        await later.ResumeAsync(place.Since, place.Epoch, "typing/#");
        await later.CaughtUp.CountAsync(1);
        Assert.Empty(later.Received.Items);
    }

    [Fact]
    public async Task A_number_from_another_log_brings_a_gap_and_then_all_there_is()
    {
        var version = await Server.PublishAsync("epochs/a", "here");
        await using var stranger = new StockFollower(Server.Url);
        await stranger.ResumeAsync(version, "00000000-0000-0000-0000-000000000000", "epochs/#");
        await stranger.CaughtUp.CountAsync(1);
        Assert.Equal("epoch", Assert.Single(stranger.Gaps.Items).Reason);
        Assert.Equal(version, Assert.Single(stranger.Received.Items).Version);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task One_bad_filter_refuses_the_call_with_its_code_and_leaves_the_connection_open(bool messagePack)
    {
        await using var follower = new StockFollower(Server.Url, messagePack);
        var refused = await Assert.ThrowsAsync<Microsoft.AspNetCore.SignalR.HubException>(() => follower.ResumeAsync(null, null, "a/#", "a/#/b"));
        Assert.Contains("HubException: invalid_filter: ", refused.Message, StringComparison.Ordinal);
        var answer = await follower.InvokeAsync<StockPlace>("Resume", new Dictionary<string, object> { ["topics"] = new[] { "a/#" } });
        Assert.Equal(["a/#"], answer.Topics);
    }
}
