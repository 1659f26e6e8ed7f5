using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Delivery;

namespace Notify.Tests.Tail;

/// <summary>How what the tail follows is cut into units, to the entry and to the byte.</summary>
public sealed class LogAppliersTests
{
    private const int MostEntries = 250;
    private const int MostBytes = 256 * 1024;

    private static readonly LogView View = new(new LogHead(Guid.NewGuid(), 0, 1), new Ring(1, 10_000, 100_000_000));

    private readonly Delivery _delivery = new();
    private readonly LogAppliers _appliers;

    public LogAppliersTests() => _appliers = new LogAppliers([], _delivery);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_unit_has_at_most_so_many_entries()
    {
        await ApplyAsync([.. Notifications(1, 2 * MostEntries + 1, 10)]);
        Assert.Equal([MostEntries, MostEntries, 1], _delivery.Sizes);
    }

    [Fact]
    public async Task A_unit_has_at_most_so_many_bytes_or_one_entry_and_each_is_counted_anew()
    {
        var quarter = MostBytes / 4;
        await ApplyAsync([.. Notifications(1, 9, quarter)]);
        Assert.Equal([4, 4, 1], _delivery.Sizes);

        _delivery.Sizes.Clear();
        await ApplyAsync([
            .. Notifications(10, 3, quarter), .. Notifications(13, 1, quarter + 1), .. Notifications(14, 2, quarter),
            .. Notifications(16, 1, MostBytes + 1), .. Notifications(17, 1, quarter)]);
        Assert.Equal([3, 3, 1, 1], _delivery.Sizes);
    }

    [Fact]
    public async Task What_was_applied_before_is_passed_over_and_nothing_at_all_is_no_unit()
    {
        await ApplyAsync([.. Notifications(1, 5, 10)], skip: 2);
        Assert.Equal([3], _delivery.Sizes);
        await ApplyAsync([.. Notifications(1, 5, 10)], skip: 5);
        Assert.Equal([3], _delivery.Sizes);
    }

    [Fact]
    public async Task What_was_left_of_a_unit_that_failed_is_handed_over_again_and_not_kept_too()
    {
        var entries = Notifications(1, MostEntries, 10).Append(Notifications(MostEntries + 1, 1, 10).Single() with { Kind = (EntryKind)99 }).ToArray();
        await Assert.ThrowsAsync<UnknownEntryException>(() => ApplyAsync(entries));
        await ApplyAsync([.. Notifications(MostEntries + 1, 2, 10)]);
        Assert.Equal([MostEntries, 2], _delivery.Sizes);
    }

    [Fact]
    public async Task The_last_of_a_units_changes_is_the_last_change()
    {
        LogEntry[] entries = [.. Notifications(1, 4, 10)];
        foreach (var at in (int[])[1, 2]) entries[at] = entries[at] with { Kind = EntryKind.InboxMarked };
        await ApplyAsync(entries);
        Assert.Equal([4], _delivery.Sizes);
        Assert.Equal(3, _appliers.LastChange);
    }

    private static IEnumerable<LogEntry> Notifications(long first, int count, int bytes)
    {
        var content = new string(' ', Math.Max(0, bytes - LogLimits.EntryOverheadBytes));
        return Enumerable.Range(0, count).Select(i => Entries.At(first + i, content: content));
    }

    private Task ApplyAsync(LogEntry[] entries, int skip = 0) => _appliers.ApplyAsync(View, entries, skip, 0, Cancel).AsTask();

    private sealed class Delivery : IDelivery
    {
        public List<int> Sizes { get; } = [];

        public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
        {
            Sizes.Add(unit.Entries.Length);
            return ValueTask.CompletedTask;
        }

        public void DeliverEphemeral(DeliveryEntry entry) => throw new NotSupportedException();
    }
}
