using Notify.Engine.Tail;
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
    public async Task An_epoch_other_than_the_one_that_was_expected_differs_from_the_first_version_on()
    {
        var log = await StoredAsync(3);
        var epoch = (await log.ReadHeadAsync(Cancel)).Epoch;
        Assert.Equal(2, (await LogView.ReadAsync(log, epoch, 2, Cancel))!.DiffersFrom);
        Assert.Null((await LogView.ReadAsync(log, Guid.NewGuid(), 2, Cancel))!.DiffersFrom);
    }

    private static Task<LogView?> ReadAsync(SteeredLog log) => LogView.ReadAsync(log, Guid.NewGuid(), null, Cancel);

    private static async Task<SteeredLog> StoredAsync(int count)
    {
        var log = new SteeredLog(new ListLog());
        for (var i = 0; i < count; i++)
            await log.AppendAsync(new AppendBatch(Guid.NewGuid(), [new NewEntry { Id = Guid.CreateVersion7(), Topic = "t", Content = "{}"u8.ToArray() }]), Cancel);
        return log;
    }
}
