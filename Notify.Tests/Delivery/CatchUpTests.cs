using System.Text.Json;
using Notify.Contracts.Hub;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>How a session gets from its cursor to the ring when storage, the log or the session itself changes on the way.</summary>
public sealed class CatchUpTests
{
    private const int Stored = 9_000; // more than the ring has after a start

    [Fact]
    public async Task While_storage_cannot_be_read_the_session_waits_and_then_misses_nothing()
    {
        var (rig, log) = await StartAsync();
        await using var ended = rig;
        var failed = 0;
        log.BeforeRows = _ => failed++ < 2 ? throw new StorageUnavailableException("Away, as told.") : Task.CompletedTask;
        var (_, sink, _) = await rig.ResumeAsync(0, "t");
        await CaughtUpAsync(sink);
        Assert.Equal(Enumerable.Range(1, Stored).Select(i => (long)i), sink.Versions);
        Assert.DoesNotContain(sink.Received, r => r.Target == "Gap");
        Assert.False(sink.Closed);
        Assert.Equal(3, log.Scans.Count(after => after == 0));
    }

    [Fact]
    public async Task A_session_that_can_go_no_further_is_closed_so_that_its_client_comes_back()
    {
        var (rig, log) = await StartAsync();
        await using var ended = rig;
        log.BeforeRows = _ => throw new InvalidOperationException("A bug, as told.");
        var (_, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => sink.Closed, "closed");
        Assert.Empty(sink.Received);
    }

    [Fact]
    public async Task A_session_that_has_ended_meanwhile_is_not_closed_for_a_reconnect()
    {
        var (rig, log) = await StartAsync();
        await using var ended = rig;
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        log.BeforeRows = _ => held.Task;
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => !log.Scans.IsEmpty, "rows are being read");
        session.Close();
        held.SetException(new InvalidOperationException("A bug, as told."));
        var (_, other, _) = await rig.ResumeAsync(Stored / 2, "t"); // from the ring: the read that breaks is shared until it has ended
        await CaughtUpAsync(other);
        Assert.False(sink.Closed);
        Assert.Empty(sink.Received);
    }

    [Fact]
    public async Task A_signal_goes_between_two_pages()
    {
        var (rig, _) = await StartAsync();
        await using var ended = rig;
        var (session, sink) = rig.Connect();
        sink.Stall();
        await rig.Get<Resumption>()
            .ResumeAsync(session, new ResumeRequest { Since = 0, Topics = ["t"] }, SessionAccess.Everything, CancellationToken.None);
        session.Start();
        await Eventually.TrueAsync(() => sink.Asked == 1, "the first page is being written");
        session.Signal("progress", new ControlFrame(ClientMethods.Progress, new Progress(-1, "signal")));
        sink.Open();
        await CaughtUpAsync(sink);
        var at = sink.Received.ToList().FindIndex(r => r.Target == "Progress" && r.Argument.GetProperty("epoch").GetString() == "signal");
        Assert.InRange(at, 1, 1024); // after the page that was under way
        Assert.Equal(Stored, sink.Versions.Count());
    }

    [Fact]
    public async Task A_signal_that_comes_during_the_last_write_is_sent_although_no_other_step_follows()
    {
        await using var rig = await DeliveryRig.StartAsync(new LimitSettings { SessionQueueEntries = 1 });
        var (session, sink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => session.State == SessionState.Live && sink.Received.Count == 1, "caught up");
        sink.Stall();
        for (var version = 1; version <= 3; version++) // written, queued, too much
        {
            await rig.PublishAsync();
            await Eventually.TrueAsync(() => rig.Position.Dispatched == version && sink.Asked == 2, "dispatched");
        }

        Assert.Equal(SessionState.CatchingUp, session.State);
        sink.Writing = () =>
        {
            if (sink.Asked == 3) session.Signal("k", new ControlFrame(ClientMethods.Progress, new Progress(0, "signal")));
        };
        sink.Open();
        await Eventually.TrueAsync(() => sink.Received.Count == 5, "all of it");
        Assert.Equal(["CaughtUp", "Notification", "Notification", "Notification", "Progress"], sink.Received.Select(r => r.Target));
        Assert.Equal(SessionState.Live, session.State);
    }

    [Fact]
    public async Task A_page_that_was_read_while_its_session_changed_its_filters_is_not_kept_for_others()
    {
        var (rig, log) = await StartAsync();
        await using var ended = rig;
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        log.BeforeRows = _ => held.Task;
        var (first, firstSink, _) = await rig.ResumeAsync(0, "t");
        await Eventually.TrueAsync(() => !log.Scans.IsEmpty, "rows are being read");
        first.Unsubscribe([DeliveryRig.Filter("t")]);
        var (second, sink) = rig.Connect(); // and comes at once: a shared page lives for a second
        await rig.Get<Resumption>().ResumeAsync(second, new ResumeRequest { Since = 0, Topics = ["t"] }, SessionAccess.Everything, CancellationToken.None);
        log.BeforeRows = _ => Task.CompletedTask;
        held.SetResult();
        await CaughtUpAsync(firstSink);
        second.Start();
        await CaughtUpAsync(sink);
        Assert.Empty(firstSink.Versions);
        Assert.Equal(Stored, sink.Versions.Count());
    }

    [Fact]
    public async Task A_page_that_sessions_shared_is_not_sent_once_retention_has_taken_of_it()
    {
        const int Few = 600; // quickly read: a shared page lives for a second
        await using var rig = await DeliveryRig.StartAsync(stored: (Few, "t"));
        var (_, first, _) = await rig.ResumeAsync(100, "t");
        await CaughtUpAsync(first);
        Assert.Equal(Few - 100, first.Versions.Count());

        rig.Position.View!.Observe(new LogHead(rig.Position.View.EpochId, Few, 500));
        var (_, second, _) = await rig.ResumeAsync(100, "t");
        await CaughtUpAsync(second);
        Assert.Equal((GapReasons.Retention, 500), (Gap(second).GetProperty("reason").GetString(), Gap(second).GetProperty("oldest").GetInt64()));
        Assert.Equal(Enumerable.Range(500, Few - 499).Select(i => (long)i), second.Versions);

        var (_, third, _) = await rig.ResumeAsync(499, "t");
        await CaughtUpAsync(third);
        Assert.DoesNotContain(third.Received, r => r.Target == "Gap");
        Assert.Equal(second.Versions, third.Versions);
    }

    private static JsonElement Gap(RecordingSink sink) => Assert.Single(sink.Received, r => r.Target == "Gap").Argument;

    private static Task CaughtUpAsync(RecordingSink sink) => Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "CaughtUp"), "caught up");

    private static async Task<(DeliveryRig Rig, SteeredLog Log)> StartAsync()
    {
        SteeredLog log = null!;
        return (await DeliveryRig.StartAsync([], inner => log = new SteeredLog(inner), (Stored, "t")), log);
    }
}
