using Notify.Client;
using Notify.Client.MessagePack;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Client;

public class NotifyClientTests
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task It_resumes_where_its_store_says_and_saves_where_the_reader_got_to(bool messagePack)
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 5));
        var store = new MemoryCursorStore(new Cursor(2, "e1"));
        await using (var client = Make(service, store, messagePack))
        {
            await client.StartAsync(Token);
            Assert.Equal([3, 4, 5], await ReadAsync(client, 3));
        }

        var request = Assert.Single(service.Resumes.Items);
        Assert.Equal((2L, "e1"), (request.Since, request.Epoch));
        Assert.Equal(["t/#"], request.Topics);
        // The third was handed over, but the reader never asked for a fourth: it may have died over it.
        Assert.Equal(new Cursor(4, "e1"), store.Current);
    }

    [Fact]
    public async Task Without_a_cursor_it_begins_where_the_service_says_and_keeps_that()
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 7));
        var store = new MemoryCursorStore();
        await using var client = Make(service, store);
        var caughtUp = new Observed<CaughtUp>();
        client.CaughtUp += caughtUp.Add;
        await client.StartAsync(Token);
        var reading = ReadAsync(client, 1);
        await caughtUp.CountAsync(1);
        await client.StopAsync();
        Assert.Empty(await reading);
        await client.DisposeAsync();
        Assert.Null(service.Resumes.Items[0].Since);
        Assert.Equal(new Cursor(7, "e1"), store.Current);
    }

    [Fact]
    public async Task A_version_that_comes_twice_is_dropped_and_counted()
    {
        await using var service = await StubService.StartAsync(request => new StubAnswer(
            new ResumeResult(3, "e1", 0, []),
            [StubService.Make(1), StubService.Make(2), StubService.Make(1), StubService.Make(2), StubService.Make(3)]));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(0, "e1")));
        await client.StartAsync(Token);
        Assert.Equal([1, 2, 3], await ReadAsync(client, 3));
        Assert.Equal(2, client.DuplicatesDropped);
    }

    [Fact]
    public async Task After_a_gap_it_is_in_the_new_log_below_its_old_number()
    {
        var gap = new Gap(90, 1, 2, "e2", GapReasons.Epoch);
        await using var service = await StubService.StartAsync(request => request.Epoch == "e1"
            ? new StubAnswer(new ResumeResult(2, "e2", 90, []), [gap, StubService.Make(1), StubService.Make(2)])
            : new StubAnswer(new ResumeResult(3, "e2", request.Since!.Value, []), [StubService.Make(3)]));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(90, "e1")));
        var order = new List<string>();
        client.GapFound += g => order.Add($"gap {g.Oldest}");
        await client.StartAsync(Token);
        await foreach (var notification in client.Notifications.WithCancellation(Token))
        {
            order.Add($"{notification.Version}");
            if (order.Count == 3) service.Connection.Abort();
            if (order.Count == 4) break;
        }

        Assert.Equal(["gap 1", "1", "2", "3"], order);
        Assert.Equal((2L, "e2"), (service.Resumes.Items[1].Since, service.Resumes.Items[1].Epoch));
    }

    [Fact]
    public async Task An_epoch_is_believed_only_with_its_gap()
    {
        // The connection dies between the answer and the Gap: the next Resume must still say the old epoch.
        await using var service = await StubService.StartAsync(_ => new StubAnswer(new ResumeResult(2, "e2", 90, []), []));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(90, "e1")));
        await client.StartAsync(Token);
        service.Connection.Abort();
        Assert.All(await service.Resumes.CountAsync(2), request => Assert.Equal((90L, "e1"), (request.Since, request.Epoch)));
    }

    [Fact]
    public async Task A_slow_reader_loses_nothing_and_the_buffer_stays_bounded()
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 100));
        await using var client = new NotifyClient(Options(service.Url) with { BufferSize = 8, CursorStore = new MemoryCursorStore(new Cursor(0, "e1")) });
        var behind = new Observed<NotifyClientState>();
        client.StateChanged += state =>
        {
            if (state is NotifyClientState.ReaderBehind) behind.Add(state);
        };
        await client.StartAsync(Token);
        var read = new List<long>();
        await foreach (var notification in client.Notifications.WithCancellation(Token))
        {
            // Every eighth fills the buffer anew: the reader stands still until the client has let the connection go.
            if (read.Count % 8 == 0 && read.Count < 40) await behind.CountAsync(read.Count / 8 + 1);
            read.Add(notification.Version!.Value);
            if (read.Count == 100) break;
        }

        Assert.Equal(Enumerable.Range(1, 100).Select(v => (long)v), read);
        Assert.Equal(0, client.DuplicatesDropped);
        Assert.True(service.Resumes.Items.Count > 5, $"{service.Resumes.Items.Count} connections for a buffer of 8.");
    }

    [Fact]
    public async Task It_comes_back_after_a_close_that_stops_stock_clients_for_good()
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: (int)request.Since! + 1));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(0, "e1")));
        await client.StartAsync(Token);
        var versions = new List<long>();
        await foreach (var notification in client.Notifications.WithCancellation(Token))
        {
            versions.Add(notification.Version!.Value);
            if (versions.Count == 4) break;
            service.Connection.Abort();
        }

        Assert.Equal([1, 2, 3, 4], versions);
    }

    [Fact]
    public async Task It_may_be_started_before_the_service()
    {
        using var port = new ReservedPort();
        await using var client = new NotifyClient(Options(new Uri($"http://127.0.0.1:{port}")));
        var states = new Observed<NotifyClientState>();
        client.StateChanged += states.Add;
        var starting = client.StartAsync(Token);
        await states.FirstAsync(state => state is NotifyClientState.Retrying);
        Assert.False(starting.IsCompleted);
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 0), port.Number);
        await starting;
    }

    [Fact]
    public async Task A_permanent_refusal_is_thrown_by_the_start_and_by_the_reader()
    {
        await using var service = await StubService.StartAsync(_ => throw new Microsoft.AspNetCore.SignalR.HubException("forbidden: Ask for a grant."));
        await using var client = Make(service, new MemoryCursorStore());
        var refused = await Assert.ThrowsAsync<NotifyException>(() => client.StartAsync(Token));
        Assert.Equal((ErrorCodes.Forbidden, "Ask for a grant."), (refused.Code, refused.Message));
        await Assert.ThrowsAsync<NotifyException>(() => ReadAsync(client, 1));
        Assert.Equal(ErrorCodes.Forbidden, Assert.IsType<NotifyClientState.Failed>(client.State).Why.Code);
    }

    [Fact]
    public async Task Storage_that_is_away_is_no_reason_to_give_up()
    {
        var attempts = 0;
        await using var service = await StubService.StartAsync(request => ++attempts < 3
            ? throw new Microsoft.AspNetCore.SignalR.HubException("storage_unavailable: Try again.")
            : StubService.Log(request, head: 0));
        await using var client = Make(service, new MemoryCursorStore());
        await client.StartAsync(Token);
        Assert.Equal(3, service.Resumes.Count);
    }

    [Fact]
    public async Task What_is_subscribed_at_run_time_is_followed_again_after_a_reconnect_and_what_is_refused_is_not()
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 0));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(0, "e1")));
        await client.StartAsync(Token);
        await client.SubscribeAsync(["more/#", "t/#"], Token);
        Assert.Equal(["more/#"], (await service.Subscribes.CountAsync(1))[0].Topics); // the other is followed already
        var refused = await Assert.ThrowsAsync<NotifyException>(() => client.SubscribeAsync(["secret"], Token));
        Assert.Equal(ErrorCodes.Forbidden, refused.Code);
        Assert.Equal(ErrorCodes.InvalidFilter, (await Assert.ThrowsAsync<NotifyException>(() => client.SubscribeAsync(["a/#/b"], Token))).Code);

        var port = service.Url.Port;
        await service.DisposeAsync();
        await using var again = await StubService.StartAsync(request => StubService.Log(request, head: 0), port);
        Assert.Equal(["t/#", "more/#"], (await again.Resumes.CountAsync(1))[0].Topics);
    }

    [Fact]
    public async Task A_loop_that_is_left_begins_again_with_the_notification_at_which_it_was_left()
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 3));
        await using var client = Make(service, new MemoryCursorStore(new Cursor(0, "e1")));
        await client.StartAsync(Token);
        Assert.Equal([1, 2], await ReadAsync(client, 2));
        Assert.Equal([2, 3], await ReadAsync(client, 2));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static NotifyClientOptions Options(Uri url) =>
        new() { Url = url, Topics = ["t/#"], MaxReconnectDelay = TimeSpan.FromMilliseconds(50), CursorSaveInterval = TimeSpan.Zero };

    private static NotifyClient Make(StubService service, ICursorStore store, bool messagePack = false) =>
        new(messagePack ? (Options(service.Url) with { CursorStore = store }).WithMessagePack() : Options(service.Url) with { CursorStore = store });

    private static async Task<List<long>> ReadAsync(NotifyClient client, int count)
    {
        var versions = new List<long>();
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        await foreach (var notification in client.Notifications.WithCancellation(deadline.Token))
        {
            versions.Add(notification.Version!.Value);
            if (versions.Count == count) break;
        }

        return versions;
    }
}
