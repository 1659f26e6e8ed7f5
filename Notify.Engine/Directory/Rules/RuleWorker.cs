using Notify.Engine.Observability;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory.Rules;

/// <summary>
/// Works rules through in the background, one after the other: fills in the first members of a group with a rule, and enters what
/// a changed rule makes other than it was. Every node may do it; the one with the lease does, and a node that is gone loses its lease.
/// </summary>
/// <remarks>
/// Users are evaluated without the log's lock. Under it, in the append turn, short entries evaluate again the users whose
/// attributes changed meanwhile, and that are dropped when the rule or the lease is another by then. What was done by an owner
/// before is found and not done again: only differences are written.
/// </remarks>
internal sealed partial class RuleWorker(INotificationLog log, DirectoryWriter writer, TimeProvider time, ILogger<RuleWorker> logger,
    PeopleMetrics? metrics = null) : NodeService
{
    /// <summary>How long a node that is gone keeps its work.</summary>
    internal static readonly TimeSpan Lease = TimeSpan.FromSeconds(10);

    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan LookAround = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan RenewEvery = Lease / 4;

    /// <summary>
    /// Users looked at in one statement: fewer after one that the database did not finish in its time, so that a slow one gets on, and
    /// more again with every rule that was worked through.
    /// </summary>
    private const int MostUsers = 4_000;
    private const int FewestUsers = 500;

    /// <summary>Members entered at a time: the log's lock is held for a few milliseconds, also by a slow database.</summary>
    private const int Chunk = 200;

    /// <summary>So few changed since the fill was looked over that they fit the activation.</summary>
    private const int FewEnough = ChangeBatch.MostRows / 2;

    private readonly SemaphoreSlim _wake = new(0);
    private long _renewed;
    private long _looked;
    private int _slice = MostUsers;

    /// <summary>There may be work: looked for at once instead of within half a second.</summary>
    public void Wake()
    {
        if (_wake.CurrentCount == 0) _wake.Release();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                if (!await WorkAsync(stoppingToken)) await _wake.WaitAsync(Look, stoppingToken);
            }
            catch (StorageUnavailableException)
            {
                _slice = Math.Max(_slice / 4, FewestUsers);
                await Task.Delay(Look, time, stoppingToken); // said by others; the work stays where it is
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception exception)
            {
                Log.Failed(logger, exception);
                await Task.Delay(Lease, time, stoppingToken);
            }
        }
    }

    /// <summary>Applies one pending rule, if there is any. A refused step leaves the rest to the node that claims it next.</summary>
    internal async Task<bool> WorkAsync(CancellationToken cancellationToken)
    {
        // A new name each time: a step of an earlier claim that is still under way is not taken for one of this.
        if (await log.Directory.Rules.ClaimAsync(Guid.NewGuid(), Lease, cancellationToken) is not { } work)
        {
            await LookAsync(cancellationToken);
            return false;
        }

        using var span = NotifyTraces.Rule(work.Group);
        metrics?.PendingRules(await log.Directory.Rules.CountPendingAsync(cancellationToken));
        var started = _renewed = time.GetTimestamp();
        if (!RuleParser.TryParse(work.Rule, out var parsed, out var problem))
        {
            Log.Unreadable(logger, work.Group, problem);
            return true;
        }

        var rule = RuleTests.Of(parsed);
        var done = work.IsActive ? await ApplyAsync(work, rule, cancellationToken) : await FillAsync(work, rule, cancellationToken);
        metrics?.Moved(done ?? 0);
        if (done is not null) _slice = Math.Min(_slice * 2, MostUsers);
        if (done is { } moved) Log.Done(logger, work.Group, moved, (long)time.GetElapsedTime(started).TotalMilliseconds);
        else await log.Directory.Rules.AbandonAsync(work, cancellationToken);
        return true;
    }

    /// <summary>What other nodes have to do is looked at now and then.</summary>
    private async Task LookAsync(CancellationToken cancellationToken)
    {
        if (metrics is null || (_looked != 0 && time.GetElapsedTime(_looked) < LookAround)) return;
        metrics.PendingRules(await log.Directory.Rules.CountPendingAsync(cancellationToken));
        _looked = time.GetTimestamp();
    }

    /// <summary>How many joined and left; null when the work is no longer this one's.</summary>
    private async Task<long?> ApplyAsync(RuleWork work, RuleTest rule, CancellationToken cancellationToken)
    {
        var moved = 0L;
        for (long? after = 0; after is { } from;)
        {
            var slice = await log.Directory.Rules.CompareAsync(work, rule, from, _slice, cancellationToken);
            foreach (var chunk in slice.Differences.Chunk(Chunk))
            {
                var entering = time.GetTimestamp();
                if (await EnterAsync(work, new DirectoryChange.ApplyRule(work, rule, chunk), cancellationToken) is not { } outcome) return null;
                moved += outcome.Added + outcome.Removed;

                // Half of the time the log is free for publishers. Bounded: the lease must outlast a turn and its rest.
                var took = time.GetElapsedTime(entering);
                await Task.Delay(took < Look ? took : Look, time, cancellationToken);
                if (!await RenewAsync(work, cancellationToken)) return null;
            }

            if (!await RenewAsync(work, cancellationToken)) return null;
            after = slice.Next;
        }

        await log.Directory.Rules.FinishAsync(work, cancellationToken);
        return moved;
    }

    /// <summary>How many are members from the activation on; null when the work is no longer this one's.</summary>
    private async Task<long?> FillAsync(RuleWork work, RuleTest rule, CancellationToken cancellationToken)
    {
        string? mark = null;
        for (long? after = 0; after is { } from;)
        {
            if (await log.Directory.Rules.FillAsync(work, rule, from, _slice, cancellationToken) is not { } step) return null;
            mark ??= step.Mark; // the oldest: users that changed since are evaluated again
            if (!await RenewAsync(work, cancellationToken)) return null;
            after = step.Next;
        }

        while (true)
        {
            if (await log.Directory.Rules.FillChangedAsync(work, rule, mark!, cancellationToken) is not { } step) return null;
            mark = step.Mark;
            if (!await RenewAsync(work, cancellationToken)) return null;
            if (step.Looked > FewEnough) continue;
            var filled = await log.Directory.Rules.CountFilledAsync(work, cancellationToken);
            if (await EnterAsync(work, new DirectoryChange.ActivateGroup(work, rule, mark, filled), cancellationToken) is not { } outcome) return null;
            if (outcome.Status == ChangeStatus.Done) return outcome.Members;
        }
    }

    private async Task<ChangeOutcome?> EnterAsync(RuleWork work, DirectoryChange change, CancellationToken cancellationToken)
    {
        while (true)
        {
            if (await writer.MakeAsync(change, cancellationToken) is not ChangeAnswer.Made { Outcome: var outcome }) return null;
            if (outcome.Status != ChangeStatus.Superseded) return outcome;

            // Another rule came with the same batch, or this one is another's by now.
            if (!await log.Directory.Rules.RenewAsync(work, Lease, cancellationToken)) return null;
        }
    }

    private async Task<bool> RenewAsync(RuleWork work, CancellationToken cancellationToken)
    {
        if (time.GetElapsedTime(_renewed) < RenewEvery) return true;
        _renewed = time.GetTimestamp();
        return await log.Directory.Rules.RenewAsync(work, Lease, cancellationToken);
    }

    public override void Dispose()
    {
        _wake.Dispose();
        base.Dispose();
    }

    private static partial class Log
    {
        [LoggerMessage(5020, LogLevel.Information, "The rule of group {Group} has been applied: {Users} memberships in {Milliseconds} ms.")]
        public static partial void Done(ILogger logger, long group, long users, long milliseconds);

        [LoggerMessage(5021, LogLevel.Error,
            "This version of the program cannot read the rule of group {Group} ({Problem}). The group keeps its members; run the version that stored the " +
            "rule, or replace the rule.")]
        public static partial void Unreadable(ILogger logger, long group, string problem);

        [LoggerMessage(5022, LogLevel.Error, "Applying rules failed unexpectedly. The node tries again in 10 s.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
