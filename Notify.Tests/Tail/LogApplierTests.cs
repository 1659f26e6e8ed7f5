using System.Diagnostics.Metrics;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Delivery;
using Notify.Tests.Faults.Breaking;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>What is applied before delivery sees every entry once, in order, before anybody is sent what follows it.</summary>
public sealed class LogApplierTests
{
    [Fact]
    public async Task Every_entry_is_applied_once_in_order_by_each_before_it_is_in_the_ring()
    {
        var order = new List<string>();
        var early = new List<long>();
        var (first, second) = (new RecordingApplier(), new RecordingApplier());
        first.Before = unit => Note("first", unit);
        second.Before = unit => Note("second", unit);
        await using var rig = await DeliveryRig.StartAsync([first, second], stored: (3, "t"));
        var (_, sink, _) = await rig.ResumeAsync(3, "#");

        await AppendAsync(rig, EntryKind.Notification, EntryKind.MembersChanged, EntryKind.Notification, EntryKind.InboxMarked, EntryKind.Notification,
            EntryKind.KeysChanged);
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(10), "the last one delivered");

        Assert.Equal([4, 5, 6, 7, 8, 9, 10], first.Versions);
        Assert.Equal([4, 5, 6, 7, 8, 9, 10], second.Versions);
        Assert.Equal([4, 6, 8, 10], sink.Versions);
        Assert.Empty(early);
        Assert.Equal(Enumerable.Range(0, order.Count).Select(i => i % 2 == 0 ? "first" : "second"), order);

        // A change of who gets what ends its unit; marks do not.
        Assert.All(first.Units, unit =>
            Assert.DoesNotContain(unit.Entries[..^1], entry => entry.Entry.Kind is EntryKind.MembersChanged or EntryKind.KeysChanged));
        Assert.Equal([5, 9], first.Units.Where(unit => unit.HasChanges).Select(unit => unit.Last));
        Assert.Equal([5, 7, 9], first.Units.SelectMany(unit => unit.Changes).Select(entry => entry.Version));
        Assert.Equal(10, rig.Position.View!.Applied);

        void Note(string name, LogUnit unit)
        {
            order.Add(name);
            if (unit.View.Ring.End >= unit.First || unit.View.Applied >= unit.First) early.Add(unit.First);
        }
    }

    [Fact]
    public async Task A_unit_that_could_not_be_applied_comes_again_to_that_applier_alone_and_nothing_passes_it()
    {
        var failures = 2;
        var (first, second) = (new RecordingApplier(), new RecordingApplier());
        second.Before = unit =>
        {
            if (unit.HasChanges && failures-- > 0) throw new StorageUnavailableException("Away, as told.");
        };
        await using var rig = await DeliveryRig.StartAsync([first, second]);
        var (_, sink, _) = await rig.ResumeAsync(0, "#");

        var applied = rig.Position.View!.WhenAppliedAsync(4);
        await AppendAsync(rig, EntryKind.Notification, EntryKind.TokensRevoked, EntryKind.Notification);
        await Eventually.TrueAsync(() => failures < 2, "it failed");
        Assert.Empty(sink.Versions);
        Assert.Equal(0, rig.Position.View.Ring.End);
        Assert.False(applied.IsCompleted);
        await rig.PublishAsync();

        await Eventually.TrueAsync(() => sink.Versions.Contains(4), "all delivered");
        Assert.Equal([1, 2, 3, 4], first.Versions);
        Assert.Equal([1, 2, 3, 4], second.Versions);
        Assert.Equal([1, 3, 4], sink.Versions);
        Assert.True(await applied);
    }

    [Fact]
    public async Task What_a_snapshot_holds_already_is_not_applied_again()
    {
        DeliveryRig? rig = null;
        var late = new RecordingApplier();
        var plain = new RecordingApplier();
        INotificationLog? log = null;
        late.Snapshot = async view =>
        {
            // Two more are committed between the end of the ring and the snapshot.
            await log!.AppendAsync(Batch(EntryKind.MembersChanged, EntryKind.Notification), CancellationToken.None);
            return await log.ReadHeadAsync(CancellationToken.None);
        };
        await using (rig = await DeliveryRig.StartAsync([late, plain], inner => log = inner, (3, "t")))
        {
            await rig.AppendAsync(2, "t");
            await Eventually.TrueAsync(() => rig.Position.Dispatched == 7, "all delivered");
            Assert.Equal([5], late.Loads.Select(load => load.AsOf));
            Assert.Equal([6, 7], late.Versions);
            Assert.Equal([4, 5, 6, 7], plain.Versions);
            Assert.Same(rig.Position.View, late.Begun);
        }
    }

    [Fact]
    public async Task An_epoch_begins_only_with_state_of_its_own_log_and_loads_it_before_it_is_published()
    {
        var asked = 0;
        DeliveryRig? rig = null;
        var published = new List<LogView?>();
        var applier = new RecordingApplier();
        applier.Snapshot = view =>
        {
            published.Add(rig?.Position.View);
            return Task.FromResult(asked++ == 0 ? new LogHead(Guid.NewGuid(), 99, 1) : new LogHead(view.EpochId, view.Ring.End, 1));
        };
        await using (rig = await DeliveryRig.StartAsync([applier], stored: (5, "t")))
        {
            Assert.Equal(2, asked); // the first snapshot was of another log
            var first = rig.Position.View!;
            var waiting = first.WhenAppliedAsync(1_000);
            await rig.Log.BeginEpochAsync(CancellationToken.None);
            await Eventually.TrueAsync(() => !ReferenceEquals(rig.Position.View, first), "the new epoch");
            Assert.Same(first, published[^1]); // asked while the old one was still there
            await Eventually.TrueAsync(() => ReferenceEquals(rig.Position.View, applier.Begun), "the new epoch is announced");
            Assert.False(await waiting);
            await rig.PublishAsync();
            await Eventually.TrueAsync(() => applier.Versions.Contains(6), "it goes on");
            Assert.Equal([6], applier.Versions);
        }
    }

    [Fact]
    public async Task Changes_in_another_nodes_hint_are_read_from_the_log()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        var stored = (await AppendAsync(rig, EntryKind.Notification, EntryKind.MembersChanged, EntryKind.Notification, EntryKind.Notification)).Stored;

        // The first is parked, the second comes in time: neither may be believed.
        var forged =
            stored.Select(entry => entry.Kind == EntryKind.Notification ? entry : entry with { Content = "{\"groups\":[],\"forged\":true}"u8.ToArray() })
            .ToArray();
        rig.Tail.CommittedElsewhere(rig.Position.View!.EpochId, forged[1..3], default);
        rig.Tail.CommittedElsewhere(rig.Position.View.EpochId, forged[..2], default);

        await Eventually.TrueAsync(() => rig.Position.Dispatched == 4, "all delivered");
        Assert.Equal([1, 2, 3, 4], applier.Versions);
        Assert.Equal(Entries.ContentOf(EntryKind.MembersChanged), applier.Units.SelectMany(unit => unit.Changes).Single().Content.ToArray());
    }

    [Fact]
    public async Task A_hint_that_hides_a_change_is_found_by_the_head_and_the_log_is_read_anew()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier], inner => new LastChangeLog(inner));
        using var counted = new Readings(rig.Get<IMeterFactory>());
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        await rig.PublishAsync();
        await Eventually.TrueAsync(() => sink.Versions.Contains(1), "one delivered");
        var view = rig.Position.View!;
        await rig.Log.AppendAsync(Batch(EntryKind.MembersChanged, EntryKind.Notification), CancellationToken.None);
        rig.Tail.CommittedElsewhere(view.EpochId, [Entries.At(2), Entries.At(3)], default);

        await Eventually.TrueAsync(() => !ReferenceEquals(rig.Position.View, view) && rig.Position.View!.EpochId == view.EpochId, "read anew");
        Assert.Equal(2, rig.Position.View!.DiffersFrom);
        Assert.Equal(2, applier.Loads.Count);
        await Eventually.TrueAsync(() => sink.Received.Any(r => r.Target == "Gap"), "who was given it is told");
        await Eventually.TrueAsync(() => sink.Versions.Last() == 3, "and given the right one");
        Assert.Equal(0, counted["notify.reconciled"]); // by the head, not by the comparison that comes later
    }

    [Fact]
    public async Task An_entry_of_an_unknown_kind_stops_the_node_with_its_sentence()
    {
        var applier = new RecordingApplier();
        await using var rig = await DeliveryRig.StartAsync([applier]);
        var (_, sink, _) = await rig.ResumeAsync(0, "#");
        await AppendAsync(rig, EntryKind.Notification, (EntryKind)99, EntryKind.Notification);

        await Eventually.TrueAsync(() => rig.Tail.ExecuteTask!.IsFaulted, "it stopped");
        Assert.IsType<UnknownEntryException>(rig.Position.StoppedBy);
        Assert.Contains("kind 99", rig.Position.StoppedBy!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(3, sink.Versions);
    }

    private static AppendBatch Batch(params EntryKind[] kinds) => new(
        Guid.NewGuid(),
        [.. kinds.Select(kind =>
            new NewEntry { Id = Guid.CreateVersion7(), Kind = kind, Topic = kind == EntryKind.Notification ? "t" : "people",
            Content = Entries.ContentOf(kind) })]);

    private static Task<AppendResult> AppendAsync(DeliveryRig rig, params EntryKind[] kinds) => rig.Log.AppendAsync(Batch(kinds), CancellationToken.None);

    /// <summary>Says in its head which internal entry was the last one.</summary>
    private sealed class LastChangeLog(INotificationLog inner) : BrokenLog(inner)
    {
        private long _last;

        public override async Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken)
        {
            var result = await Inner.AppendAsync(batch, cancellationToken);
            foreach (var entry in result.Stored.Where(entry => entry.Kind != EntryKind.Notification)) _last = entry.Version;
            return result;
        }

        public override async Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken) =>
            (await Inner.ReadHeadAsync(cancellationToken)) with { LastChange = _last };
    }
}
