using System.Text.Json;
using Notify.Client;
using Notify.Client.MessagePack;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.People;
using Notify.Contracts.Publishing;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>The .NET client's typed calls against the real service.</summary>
public sealed class ClientCallTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Inbox_counts_follow_arrivals_and_marks(bool messagePack)
    {
        var user = $"inbox-{messagePack}";
        await using var client = Make(user, messagePack, inbox: true);
        await client.StartAsync(Token);
        await Publisher().PublishAsync(new PublishRequest { User = user, Title = "one" }, Token);
        var second = await Publisher().PublishAsync(new PublishRequest { User = user, Title = "two" }, Token);
        await Eventually.TrueAsync(() => client.Inbox.Counts.Current is { Unread: 2, Unseen: 2 }, "the client did not come to it");

        var page = await client.Inbox.ListAsync(cancellationToken: Token);
        Assert.Equal(["two", "one"], page.Items.Select(item => item.Notification.Title));
        var counts = await client.Inbox.ReadAsync(new InboxMark { Versions = [second.Version!.Value] }, Token);
        Assert.Equal((1, 1), (counts.Unread, counts.Unseen));
        Assert.Equal(1, client.Inbox.Counts.Current!.Unread);
        Assert.Equal(0, (await client.Inbox.ArchiveAsync(new InboxMark { UpTo = second.Version }, Token)).Unread);
        Assert.Equal(2, (await client.Inbox.ListAsync("archived", cancellationToken: Token)).Items.Count);
        Assert.NotNull((await client.Inbox.ListAsync("archived", cancellationToken: Token)).Items[0].ReadAt);
        var mine = Assert.Single((await client.Inbox.GetSummaryAsync(["$user/me"], Token)).Filters!);
        Assert.Equal(("$user/me", 0L), (mine.Filter, mine.Unread));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Groups_subscriptions_attributes_and_devices_are_typed_calls(bool messagePack)
    {
        var (user, group) = ($"carol-{messagePack}", $"team-{messagePack}");
        await using var client = Make(user, messagePack);
        var changed = new Observed<SubscriptionsChanged>();
        client.SubscriptionsChanged += changed.Add;
        await client.StartAsync(Token);

        Assert.Equal(0, (await client.Api.Groups.PutAsync(group, cancellationToken: Token)).Members);
        Assert.Equal([group], await client.JoinGroupsAsync([group], Token));
        await changed.FirstAsync(now => now.Groups.Contains(group));
        Assert.Equal([group], await ToListAsync(client.Api.Me.ListGroupsAsync(Token)));
        Assert.Equal([user], await ToListAsync(client.Api.Groups.ListMembersAsync(group, Token)));
        Assert.Empty(await client.LeaveGroupsAsync([group], Token));
        Assert.Equal(new MembersChanged(2, 0, 2), await client.Api.Groups.ChangeMembersAsync(group, new ChangeMembers { Add = ["x", "y"] }, Token));

        await client.SubscribeDurablyAsync(["news/#"], Token);
        Assert.Equal(["news/#"], (await client.Api.Me.GetSubscriptionsAsync(Token)).Topics);
        Assert.Empty((await client.Api.Me.RemoveSubscriptionsAsync(["news/#"], Token)).Topics);

        var self = await client.SetAttributesAsync(JsonElement.Parse("""{"colour":"blue"}"""), Token);
        Assert.Equal("blue", self.GetProperty("colour").GetString());
        var all = await client.Api.User(user).PatchAttributesAsync(JsonElement.Parse("""{"rank":3}"""), Token);
        Assert.Equal((3, "blue"), (all.GetProperty("rank").GetInt32(), all.GetProperty("self").GetProperty("colour").GetString()));

        var me = await client.Api.GetMeAsync(Token);
        Assert.Equal((user, "phone"), (me.User, me.Device));

        var published = await client.PublishAsync(new PublishRequest { User = user, Body = "for you" }, Token);
        await foreach (var notification in client.Notifications.WithCancellation(Token))
            if (notification.Version == published.Version) break;
        await client.AckAsync(published.Version, Token);
        await Eventually.TrueAsync(async () => (await ToListAsync(client.Api.Me.ListDevicesAsync(Token)))
            .Any(device => device.Device == "phone" && device.Version == published.Version), "the client did not come to it");
        await client.Api.Me.DeleteDeviceAsync("phone", Token);
        Assert.Equal("for you", (await client.Api.GetAsync(published.Id, Token)).Body);
        await client.Api.Groups.DeleteAsync(group, Token);
        Assert.Equal(ErrorCodes.NotFound, (await Assert.ThrowsAsync<NotifyException>(() => client.Api.Groups.GetAsync(group, Token))).Code);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Presence_of_a_topic_is_a_typed_call_and_an_event(bool messagePack)
    {
        var (room, guest) = ($"room/{messagePack}", $"guest-{messagePack}");
        await using var watching = Make($"watcher-{messagePack}", messagePack);
        var changes = new Observed<PresenceChanged>();
        watching.PresenceChanged += changes.Add;
        await watching.StartAsync(Token);
        var before = Assert.Single(await watching.WatchPresenceAsync([room], Token));
        Assert.Equal((room, 0L), (before.Topic, before.Count));

        await using var following = Make(guest, messagePack);
        await following.StartAsync(Token);
        await following.SubscribeAsync([room], Token);
        var joined = await changes.FirstAsync(change => change.Event == "join");
        Assert.Equal((room, 1L, guest), (joined.Topic, joined.Count, joined.User));
        await following.UnsubscribeAsync([room], Token);
        var left = await changes.FirstAsync(change => change.Event == "leave");
        Assert.Equal((room, 0L, guest), (left.Topic, left.Count, left.User));
        await watching.UnwatchPresenceAsync([room], Token);
    }

    [Fact]
    public async Task Pages_are_walked_to_their_end_and_a_problem_is_a_typed_error()
    {
        var api = new NotifyApi(fixture.Server.Http);
        for (var i = 0; i < 3; i++) await Publisher().PublishAsync(new PublishRequest { Topic = "client/pages", Body = $"{i}" }, Token);
        var first = await api.ListAsync(["client/pages"], limit: 2, cancellationToken: Token);
        var rest = await api.ListAsync(["client/pages"], first.Next!.Value, cancellationToken: Token);
        Assert.Equal(["0", "1", "2"], first.Items.Concat(rest.Items).Select(item => item.Body));
        Assert.Equal("2", (await api.ListNewestAsync(["client/pages"], limit: 1, cancellationToken: Token)).Items.Single().Body);
        var refused = await Assert.ThrowsAsync<NotifyException>(() => api.ListAsync(["a/#/b"], cancellationToken: Token));
        Assert.Equal((ErrorCodes.InvalidFilter, NotifyFailure.Permanent, 400),
            (refused.Code, refused.Failure, refused.Problem!.Document.GetProperty("status").GetInt32()));
    }

    [Fact]
    public async Task A_large_batch_is_split_and_stays_in_order()
    {
        var publisher = new NotifyPublisher(fixture.Server.Http, new NotifyPublisherOptions { MaxBatchBytes = 20_000 });
        PublishRequest[] many = [.. Enumerable.Range(0, 2_500).Select(i => new PublishRequest { Topic = i == 7 ? "bad/+" : "client/batch", Body = $"{i}" })];
        var results = await publisher.PublishBatchAsync(many, Token);
        Assert.Equal(many.Length, results.Count);
        Assert.Equal(ErrorCodes.InvalidTopic, results[7].Code);
        var versions = results.Where(result => result.Status == 201).Select(result => result.Version!.Value).ToArray();
        Assert.Equal(many.Length - 1, versions.Length);
        Assert.Equal(versions.Order(), versions);
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private NotifyPublisher Publisher() => new(fixture.Server.Http);

    private NotifyClient Make(string user, bool messagePack, bool inbox = false)
    {
        var options = new NotifyClientOptions { Url = fixture.Url, User = user, Device = "phone", Inbox = inbox };
        return new NotifyClient(messagePack ? options.WithMessagePack() : options);
    }

    private static async Task<List<T>> ToListAsync<T>(IAsyncEnumerable<T> items)
    {
        var list = new List<T>();
        await foreach (var item in items) list.Add(item);
        return list;
    }
}
