using System.Net.Http.Json;
using System.Text.Json;
using Notify.Tests.EndToEnd;

namespace Notify.Tests.Streaming;

/// <summary><c>GET /api/v1/stream</c>, for clients that have nothing but HTTP.</summary>
public sealed class StreamTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    private HttpClient Http => fixture.Server.Http;

    [Fact]
    public async Task Brings_what_was_missed_then_caught_up_then_live_each_with_the_number_to_come_back_with()
    {
        var first = await fixture.Server.PublishAsync("stream/a", "one");
        var second = await fixture.Server.PublishAsync("stream/a", "two");
        using var stream = await EventStream.OpenAsync(Http, $"filter=stream/%23&since={first}");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        var third = await fixture.Server.PublishAsync("stream/b", "three");

        var events = await stream.Events.CountAsync(3);
        Assert.Equal(["notification", "caught-up", "notification"], events.Select(e => e.Name));
        Assert.Equal((second, third), (events[0].Id, events[2].Id));
        Assert.True(events[1].Id >= second);
        Assert.Equal(events[1].Id, JsonElement.Parse(events[1].Data).GetProperty("head").GetInt64());
        Assert.Equal((second, "two"),
            (JsonElement.Parse(events[0].Data).GetProperty("version").GetInt64(), JsonElement.Parse(events[0].Data).GetProperty("body").GetString()));
    }

    [Fact]
    public async Task Last_Event_ID_beats_since()
    {
        var first = await fixture.Server.PublishAsync("beats/a", "one");
        var second = await fixture.Server.PublishAsync("beats/a", "two");
        using var stream = await EventStream.OpenAsync(Http, "filter=beats/%2B&since=0", lastEventId: $"{first}");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        Assert.Equal(second, Assert.Single(stream.Events.Items, e => e.Name == "notification").Id);
    }

    [Fact]
    public async Task Without_a_number_it_begins_now()
    {
        await fixture.Server.PublishAsync("now/a", "before");
        using var stream = await EventStream.OpenAsync(Http, "filter=now/a");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        var version = await fixture.Server.PublishAsync("now/a", "after");
        Assert.Equal(version, (await stream.Events.FirstAsync(e => e.Name == "notification")).Id);
    }

    [Fact]
    public async Task A_number_above_the_head_has_its_gap_first()
    {
        var version = await fixture.Server.PublishAsync("gap/a", "here");
        using var stream = await EventStream.OpenAsync(Http, "filter=gap/a&since=1000000");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        Assert.Equal(["gap", "notification", "caught-up"], stream.Events.Items.Select(e => e.Name));
        var gap = JsonElement.Parse(stream.Events.Items[0].Data);
        Assert.Equal(("epoch", 1000000L), (gap.GetProperty("reason").GetString(), gap.GetProperty("since").GetInt64()));
        Assert.Equal(gap.GetProperty("oldest").GetInt64() - 1, stream.Events.Items[0].Id); // not the number that was wrong
        Assert.Equal(version, stream.Events.Items[1].Id);
    }

    [Fact]
    public async Task An_ephemeral_one_has_no_number_and_ones_own_topic_comes_unasked()
    {
        using var stream = await EventStream.OpenAsync(Http, "filter=typing/%23&user=carol");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        using var ephemeral =
            await Http.PostAsJsonAsync(new Uri("api/v1/notifications", UriKind.Relative), new { topic = "typing/room", body = "…", ephemeral = true },
            TestContext.Current.CancellationToken);
        using var own =
            await Http.PostAsJsonAsync(new Uri("api/v1/notifications", UriKind.Relative), new { user = "carol", body = "for you" },
            TestContext.Current.CancellationToken);

        var received = (await stream.Events.CountAsync(3)).Where(e => e.Name == "notification").ToArray();
        Assert.Equal([null, "$user/carol"], [received[0].Id?.ToString(), JsonElement.Parse(received[1].Data).GetProperty("topic").GetString()]);
    }

    [Fact]
    public async Task Of_a_user_it_needs_no_filter()
    {
        using var stream = await EventStream.OpenAsync(Http, "user=dora");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        using var other =
            await Http.PostAsJsonAsync(new Uri("api/v1/notifications", UriKind.Relative), new { topic = "dora", body = "not hers" },
            TestContext.Current.CancellationToken);
        using var own =
            await Http.PostAsJsonAsync(new Uri("api/v1/notifications", UriKind.Relative), new { user = "dora", body = "for you" },
            TestContext.Current.CancellationToken);
        var received = await stream.Events.FirstAsync(e => e.Name == "notification");
        Assert.Equal("for you", JsonElement.Parse(received.Data).GetProperty("body").GetString());
    }

    [Fact]
    public async Task A_plus_is_the_wildcard_as_it_is()
    {
        using var stream = await EventStream.OpenAsync(Http, "filter=plus/+/paid");
        await stream.Events.FirstAsync(e => e.Name == "caught-up");
        var version = await fixture.Server.PublishAsync("plus/7/paid", "one");
        Assert.Equal(version, (await stream.Events.FirstAsync(e => e.Name == "notification")).Id);
    }

    [Fact]
    public async Task A_silent_stream_has_a_comment_every_15_seconds()
    {
        using var stream = await EventStream.OpenAsync(Http, "filter=silent");
        await stream.Comments.CountAsync(1); // at once, so that a client sees the answer
        var began = TimeProvider.System.GetTimestamp();
        await stream.Comments.CountAsync(2);
        Assert.InRange(TimeProvider.System.GetElapsedTime(began), TimeSpan.FromSeconds(10), TimeSpan.FromSeconds(20));
    }
}
