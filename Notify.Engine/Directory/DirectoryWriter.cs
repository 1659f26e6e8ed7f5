using System.Threading.Channels;
using Microsoft.Extensions.Options;
using Notify.Engine.Configuration;
using Notify.Engine.Publishing;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory;

/// <summary>
/// Where changes of users, groups, subscriptions and keys become entries of the log. Gathered as appends are, and made in
/// turn with them. <see cref="ChangeLoop"/> does the making; this is its front and its lifetime.
/// </summary>
/// <remarks>
/// The answer comes when the entry is stored and passed to this node's tail; what waits for this node to have applied it
/// waits for <see cref="ChangeAnswer.Made.Head"/>. A change is answered within <see cref="Deadline"/>.
/// </remarks>
internal sealed class DirectoryWriter : IHostedService, IDisposable
{
    /// <summary>As long as a publish waits.</summary>
    internal static readonly TimeSpan Deadline = Publisher.Deadline;

    private const int MostWaiting = 20_000;

    private readonly Channel<PendingChange> _queue = Channel.CreateBounded<PendingChange>(new BoundedChannelOptions(MostWaiting) { SingleReader = true });
    private readonly ChangeLoop _loop;
    private readonly TimeProvider _time;
    private readonly PeopleMetrics? _metrics;
    private readonly CancellationTokenSource _stop = new();
    private Task _running = Task.CompletedTask;

    public DirectoryWriter(
        INotificationLog log, ICommitObserver committed, AppendTurn turn, IOptions<NotifyOptions> options, TimeProvider time, ILogger<DirectoryWriter> logger,
        PeopleMetrics? metrics = null)
    {
        var limits = new DirectoryLimits(Most(options.Value.Limits.GroupsPerUser), Most(options.Value.Limits.SubscriptionsPerUser));
        _loop = new ChangeLoop(_queue.Reader, log, committed, turn, limits, time, logger, metrics);
        (_time, _metrics) = (time, metrics);
    }

    public Task StartAsync(CancellationToken cancellationToken)
    {
        _metrics?.BeginAtZero();
        _running = Task.Run(() => _loop.RunAsync(_stop.Token), CancellationToken.None);
        return Task.CompletedTask;
    }

    /// <summary>Takes nothing more and finishes what waits, until the deadline or the host's patience ends.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        _queue.Writer.TryComplete();
        try
        {
            await _running.WaitAsync(Deadline, _time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException or OperationCanceledException)
        {
            await _stop.CancelAsync();
            await _running;
        }
    }

    /// <summary>
    /// Makes the change. <paramref name="cancellationToken"/> counts until it is queued; after that the log decides, within
    /// the deadline, whether or not the caller still waits.
    /// </summary>
    public async Task<ChangeAnswer> MakeAsync(DirectoryChange change, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        _metrics?.Queued();
        ChangeAnswer? answer = null;
        try
        {
            return answer = await QueueAsync(change);
        }
        finally
        {
            _metrics?.Answered(answer);
        }
    }

    private async Task<ChangeAnswer> QueueAsync(DirectoryChange change)
    {
        var pending = new PendingChange(change);
        if (!_queue.Writer.TryWrite(pending))
            return _queue.Reader.Completion.IsCompleted || _stop.IsCancellationRequested ? ChangeRefusals.Stopping : ChangeRefusals.QueueFull;
        try
        {
            return await pending.Task.WaitAsync(Deadline, _time, CancellationToken.None);
        }
        catch (TimeoutException)
        {
            pending.Expire(ChangeRefusals.NotSubmitted);
            return await pending.Task;
        }
    }

    public void Dispose() => _stop.Dispose();

    private static int Most(int setting) => setting == 0 ? int.MaxValue : setting;
}
