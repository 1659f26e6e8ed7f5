using System.Diagnostics;
using Notify.Engine.Delivery.Frames;
using Notify.Engine.Tail;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Tail;

/// <summary>A tail on a log whose head does not answer until a test lets it: nothing happens but what the test brings about.</summary>
public abstract class HeldHead : ScriptedTail
{
    private protected static readonly TimeSpan ParkFor = TimeSpan.FromMilliseconds(10);

    private protected HeldHead() : this(new DeliveryDouble())
    {
    }

    private HeldHead(DeliveryDouble delivery) : base(delivery) => Delivered = delivery;

    private protected DeliveryDouble Delivered { get; }

    private protected override Task StopAsync(CancellationToken patience)
    {
        Log.LetHeadGo();
        Delivered.Open();
        return base.StopAsync(patience);
    }

    private protected async Task BeginAsync()
    {
        await Tail.StartAsync(Cancel);
        await Eventually.TrueAsync(() => Position.View is not null, "the tail has begun");
        Log.HoldHead();
        await SettleAsync();
        Log.ForgetReads();
    }

    /// <summary>Everything that the tail was told has been dealt with, and what followed from it.</summary>
    private protected async Task SettleAsync()
    {
        var waited = Stopwatch.StartNew();
        for (var (quiet, before) = (0, -1L); quiet < 2;)
        {
            Assert.True(waited.Elapsed < Eventually.Patience, "The tail reads on and on.");
            var markers = Delivered.Markers.Count;
            Tail.Ephemeral(ScriptedLog.Entry(0));
            await Delivered.Markers.CountAsync(markers + 1);
            var now = Log.Reads.Count + Delivered.Applied.Count;
            (quiet, before) = (now == before ? quiet + 1 : 0, now);
        }
    }

    /// <summary>One poll has begun and ended after this call, and the tail has seen what it found.</summary>
    private protected async Task PolledAsync()
    {
        var before = Log.HeadReads.Count;
        Log.LetHeadGo();
        await UntilAsync(Position.Suspect, () => Log.HeadReads.Count >= before + 2);
        await SettleAsync();
    }

    private protected async Task ReadAnewAsync()
    {
        var view = Position.View;
        Log.LetHeadGo();
        await UntilAsync(Position.Suspect, () => !ReferenceEquals(view, Position.View));
        await SettleAsync();
    }

    private protected TaskCompletionSource HoldReads()
    {
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Log.AfterRead = () => held.Task;
        return held;
    }

    private protected static Task UntilAsync(Action again, Func<bool> condition) => Eventually.TrueAsync(
        () =>
        {
            if (condition()) return true;
            again();
            return false;
        },
        "what is waited for");

    /// <summary>Puts units into the ring, as delivery does, and stands still when told to.</summary>
    private protected sealed class DeliveryDouble : IDelivery
    {
        private TaskCompletionSource? _held;

        public Observed<LogEntry> Applied { get; } = new();
        public Observed<LogEntry> Markers { get; } = new();
        public bool IsAway { get; set; }

        public long[] Versions => [.. Applied.Items.Select(entry => entry.Version)];

        public void Hold() => _held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

        public void Open() => _held?.TrySetResult();

        public ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken) =>
            ValueTask.FromResult(new LogHead(view.EpochId, view.Ring.End, 1));

        public async ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
        {
            if (IsAway) throw new StorageUnavailableException("Away, as told.");
            foreach (var entry in unit.Entries) Applied.Add(entry.Entry);
            if (_held is { } held) await held.Task.WaitAsync(cancellationToken);
            unit.View.Ring.Append(unit.Entries);
        }

        public void DeliverEphemeral(DeliveryEntry entry) => Markers.Add(entry.Entry);
    }
}
