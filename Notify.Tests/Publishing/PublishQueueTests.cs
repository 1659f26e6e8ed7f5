using Microsoft.Extensions.Time.Testing;
using Notify.Contracts;
using Notify.Engine.Configuration;
using Notify.Engine.Publishing;
using Notify.Storage.Log;

namespace Notify.Tests.Publishing;

/// <summary>What is read together, and what the next read waits for, step by step and without a publisher around it.</summary>
public sealed class PublishQueueTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromMilliseconds(5);

    private readonly FakeTimeProvider _time = new();
    private readonly LimitSettings _limits = new();
    private PublishQueue? _queue;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private PublishQueue Queue => _queue ??= new PublishQueue(_limits, _time);

    public void Dispose() => _queue?.Dispose();

    [Fact]
    public async Task The_bounds_are_reached_and_not_passed_and_reading_makes_room()
    {
        (_limits.PublishQueueEntries, _limits.PublishQueueBytes) = (3, 10_000);
        Assert.Null(Queue.TryAdd(Pending(2)));
        Assert.Equal(ErrorCodes.StorageUnavailable, Queue.TryAdd(Pending(2))!.Refusal.Code);
        Assert.Null(Queue.TryAdd(Pending(1)));
        Assert.Same(PublishRefusals.QueueFull, Queue.TryAdd(Pending(1)));
        Assert.Equal((3, (long)Pending(2).Bytes + Pending(1).Bytes), (Queue.Entries, Queue.Bytes));

        Assert.Equal(2, (await ReadAsync()).Count);
        Assert.Equal((0, 0L), (Queue.Entries, Queue.Bytes));
        var exact = Pending(1, 10_000 - LogLimits.EntryOverheadBytes);
        Assert.Null(Queue.TryAdd(exact));
        Assert.Equal(10_000, Queue.Bytes);
        Assert.Same(PublishRefusals.QueueFull, Queue.TryAdd(Pending(1, 0)));
    }

    [Fact]
    public async Task One_read_takes_whole_requests_up_to_an_appends_entries()
    {
        foreach (var count in new[] { 400, 600, 1, 1200, 1000, 1 }) Assert.Null(Queue.TryAdd(Pending(count)));
        var read = new List<int[]>();
        while (Queue.Entries > 0) read.Add([.. (await ReadAsync()).Select(publish => publish.Entries)]);
        Assert.Equal([[400, 600], [1], [1200], [1000], [1]], read);
    }

    [Fact]
    public async Task One_read_takes_whole_requests_up_to_an_appends_bytes()
    {
        const int Half = 2 * 1024 * 1024;
        foreach (var bytes in new[] { Half, Half, 0, 3 * Half, 0 })
            Assert.Null(Queue.TryAdd(Pending(1, Math.Max(0, bytes - LogLimits.EntryOverheadBytes))));
        var read = new List<int>();
        while (Queue.Entries > 0) read.Add((await ReadAsync()).Count);
        Assert.Equal([2, 1, 1, 1], read);
    }

    [Fact]
    public async Task A_read_waits_for_the_first_and_takes_what_came()
    {
        var read = ReadAsync();
        Assert.False(read.IsCompleted);
        var publish = Pending(1);
        Assert.Null(Queue.TryAdd(publish));
        Assert.Same(publish, Assert.Single(await read.WaitAsync(TimeSpan.FromSeconds(30), Cancel)));
    }

    [Fact]
    public async Task A_read_waits_for_publishers_that_are_expected_besides_those_that_wait()
    {
        Queue.TryAdd(Pending(1));
        Queue.Expect(2, Patience);
        var read = ReadAsync();
        Queue.TryAdd(Pending(1));
        Assert.False(read.IsCompleted);
        Queue.TryAdd(Pending(1));
        Assert.Equal(3, (await read.WaitAsync(TimeSpan.FromSeconds(30), Cancel)).Count);

        Queue.TryAdd(Pending(1)); // nobody is expected any longer
        Assert.Single(await ReadAsync().WaitAsync(TimeSpan.FromSeconds(30), Cancel));
    }

    [Theory]
    [InlineData(999, 0, false)]
    [InlineData(1000, 0, true)]
    [InlineData(1, 4 * 1024 * 1024 - LogLimits.EntryOverheadBytes - 1, false)]
    [InlineData(1, 4 * 1024 * 1024 - LogLimits.EntryOverheadBytes, true)]
    public void A_full_append_does_not_wait_for_publishers_that_are_expected(int entries, int bytes, bool isFull)
    {
        Queue.Expect(10, Patience);
        Queue.TryAdd(Pending(entries, bytes));
        Assert.Equal(isFull, ReadAsync().IsCompleted);
    }

    [Fact]
    public async Task Publishers_that_do_not_come_are_waited_for_as_long_as_was_said_and_then_not_for_sixteen_reads()
    {
        Queue.TryAdd(Pending(1));
        Queue.Expect(1, Patience);
        var read = ReadAsync();
        _time.Advance(Patience - TimeSpan.FromTicks(1));
        Assert.False(read.IsCompleted);
        _time.Advance(TimeSpan.FromTicks(1));
        Assert.Single(await read.WaitAsync(TimeSpan.FromSeconds(30), Cancel));

        for (var i = 0; i < 16; i++)
        {
            Queue.Expect(1, Patience);
            Queue.TryAdd(Pending(1));
            Assert.True(ReadAsync().IsCompleted, $"read {i}");
        }

        Queue.TryAdd(Pending(1));
        Queue.Expect(1, Patience);
        Assert.False(ReadAsync().IsCompleted);
    }

    [Fact]
    public void A_patience_that_ends_after_they_came_changes_nothing()
    {
        Queue.Expect(1, Patience);
        Queue.TryAdd(Pending(1));
        Assert.True(ReadAsync().IsCompleted);
        _time.Advance(Patience);

        Queue.TryAdd(Pending(1)); // one that waits, and one more that is expected
        Queue.Expect(1, Patience);
        Assert.False(ReadAsync().IsCompleted);
    }

    [Fact]
    public async Task A_wait_that_ends_without_a_publisher_leaves_the_read_waiting_for_the_first()
    {
        Queue.Expect(2, Patience);
        var read = ReadAsync();
        _time.Advance(Patience);
        Assert.False(read.IsCompleted);
        Queue.TryAdd(Pending(1));
        Assert.Single(await read.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
    }

    [Fact]
    public async Task A_closed_queue_takes_nothing_and_gives_what_it_has_without_waiting_and_then_ends()
    {
        Queue.TryAdd(Pending(1));
        Queue.Expect(5, Patience);
        var read = ReadAsync();
        Queue.Close();
        Assert.Same(PublishRefusals.Stopping, Queue.TryAdd(Pending(1)));
        Assert.Single(await read.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
        Assert.False(await Queue.ReadAsync([], Cancel));
    }

    [Fact]
    public async Task A_read_that_waits_ends_with_the_queue_and_with_its_token()
    {
        using var stop = new CancellationTokenSource();
        var cancelled = Queue.ReadAsync([], stop.Token).AsTask();
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => cancelled);
        var read = Queue.ReadAsync([], Cancel).AsTask();
        Queue.Close();
        Assert.False(await read.WaitAsync(TimeSpan.FromSeconds(30), Cancel));
    }

    [Fact]
    public void What_started_before_a_time_leaves_from_the_front_and_makes_room()
    {
        var publishes = new[] { 10, 20, 30 }.Select(startedAt => Pending(1, startedAt: startedAt)).ToArray();
        foreach (var publish in publishes) Queue.TryAdd(publish);
        Assert.Empty(Queue.TakeStartedBefore(10));
        Assert.Equal(publishes[..2], Queue.TakeStartedBefore(21));
        Assert.Equal((1, (long)publishes[2].Bytes), (Queue.Entries, Queue.Bytes));
    }

    private async Task<List<IPendingPublish>> ReadAsync()
    {
        var batch = new List<IPendingPublish>();
        Assert.True(await Queue.ReadAsync(batch, Cancel));
        return batch;
    }

    private static PendingBatch Pending(int entries, int bytes = 2, long startedAt = 0) => new(
        [.. Enumerable.Range(0, entries).Select(i => new NewEntry { Id = Guid.CreateVersion7(), Topic = "t", Content = new byte[i == 0 ? bytes : 0] })],
        startedAt);
}
