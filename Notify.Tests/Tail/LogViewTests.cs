using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Delivery;
using Notify.Tests.Publishing;

namespace Notify.Tests.Tail;

/// <summary>An epoch of the log is read page by page, and the log may become another one between two of them.</summary>
public sealed class LogViewTests
{
    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public static TheoryData<string, Func<LogPage, LogPage>> WhatHappenedMeanwhile => new()
    {
        { "replaced", page => page with { Head = page.Head with { Epoch = Guid.NewGuid() } } },
        { "swept", page => page with { Entries = [.. page.Entries.Skip(1)], Head = page.Head with { Oldest = 2 } } },
        { "cut", page => page with { Entries = [] } },
    };

    [Theory]
    [MemberData(nameof(WhatHappenedMeanwhile), DisableDiscoveryEnumeration = true)]
    public async Task A_log_that_becomes_another_one_while_it_is_read_is_not_begun(string what, Func<LogPage, LogPage> meanwhile)
    {
        var log = await StoredAsync(3);
        Assert.Equal(3, (await ReadAsync(log))!.Ring.End);
        log.Rows = (_, page) => meanwhile(page);
        Assert.True(await ReadAsync(log) is null, what);
    }

    [Fact]
    public async Task A_log_with_an_entry_that_this_program_does_not_know_is_not_begun()
    {
        var log = await StoredAsync(3);
        log.Rows = (_, page) => page with { Entries = [.. page.Entries.Select(entry => entry.Version == 2 ? entry with { Kind = (EntryKind)99 } : entry)] };
        Assert.Contains("kind 99", (await Assert.ThrowsAsync<UnknownEntryException>(() => ReadAsync(log))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_epoch_other_than_the_one_that_was_expected_differs_from_the_first_version_on()
    {
        var log = await StoredAsync(3);
        var epoch = (await log.ReadHeadAsync(Cancel)).Epoch;
        Assert.Equal(2, (await LogView.ReadAsync(log, epoch, 2, Cancel))!.DiffersFrom);
        Assert.Null((await LogView.ReadAsync(log, Guid.NewGuid(), 2, Cancel))!.DiffersFrom);
    }

    [Fact]
    public async Task A_wait_for_a_version_ends_when_it_is_applied_or_never_will_be()
    {
        var view = View(end: 5);
        Assert.Equal((5, 5), (view.Start, view.Applied));
        Assert.True(await view.WhenAppliedAsync(5));
        var (sixth, seventh, ninth) = (view.WhenAppliedAsync(6), view.WhenAppliedAsync(7), view.WhenAppliedAsync(9));
        view.Pass(7);
        Assert.True(await sixth && await seventh);
        Assert.False(ninth.IsCompleted);
        view.Pass(8);
        Assert.False(ninth.IsCompleted);

        view.IsOver();
        Assert.False(await ninth);
        Assert.False(await view.WhenAppliedAsync(9));
        Assert.True(await view.WhenAppliedAsync(8));
    }

    [Fact]
    public void What_is_known_of_the_log_only_grows()
    {
        var view = View(end: 5);
        view.Observe(new LogHead(view.EpochId, 9, 3));
        view.Observe(new LogHead(view.EpochId, 7, 2));
        view.ObserveHead(8);
        Assert.Equal((9, 3), (view.Head, view.Oldest));
        view.ObserveHead(10);
        Assert.Equal(10, view.Head);
    }

    private static LogView View(long end) => new(new LogHead(Guid.NewGuid(), end, 1), new Ring(end, 10, 1000));

    private static Task<LogView?> ReadAsync(SteeredLog log) => LogView.ReadAsync(log, Guid.NewGuid(), null, Cancel);

    private static async Task<SteeredLog> StoredAsync(int count)
    {
        var log = new SteeredLog(new ListLog());
        for (var i = 0; i < count; i++)
            await log.AppendAsync(new AppendBatch(Guid.NewGuid(), [new NewEntry { Id = Guid.CreateVersion7(), Topic = "t", Content = "{}"u8.ToArray() }]),
                Cancel);
        return log;
    }
}
