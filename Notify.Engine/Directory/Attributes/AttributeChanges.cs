using System.Text.Json;
using Notify.Engine.Directory.Rules;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory.Attributes;

/// <summary>
/// Where attributes change. A change that moves its user into or out of no group is stored without the log's lock, many in one
/// statement; one that does is made again in the append turn, the attributes and the memberships together.
/// </summary>
/// <remarks>
/// What is found without the lock is stored only while it is true: the statement holds the rules' revision, the user's
/// attributes and memberships. What another one came before is decided again, until <see cref="DirectoryWriter.Deadline"/>.
/// </remarks>
internal sealed class AttributeChanges(INotificationLog log, DirectoryWriter writer, RuleIndex rules, TimeProvider time)
{
    /// <summary>Users in one statement: some ten milliseconds.</summary>
    private const int MostUsers = 500;

    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(10);

    private readonly Lock _gate = new();
    private readonly LinkedList<Pending> _waiting = [];
    private bool _isRunning;

    /// <summary>Applies a merge patch; what is shown of the attributes after it.</summary>
    public async Task<(JsonElement Shown, Refusal? Refusal)> PatchAsync(string user, JsonElement patch, AttributesPart part,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (AttributePatch.Check(patch, part) is { } refusal) return (default, refusal);
        return await MakeAsync(new Pending(user, patch.Clone(), part, null, time.GetTimestamp()));
    }

    /// <summary>Takes attributes from a token's claims: only from one that was issued later than the last, and only where they differ.</summary>
    public async Task<Refusal?> TakeClaimsAsync(string user, JsonElement claims, DateTimeOffset issuedAt)
    {
        if (AttributePatch.Check(claims, AttributesPart.Others) is { } refusal) return refusal;
        return (await MakeAsync(new Pending(user, claims.Clone(), AttributesPart.Others, issuedAt, time.GetTimestamp()))).Refusal;
    }

    private Task<(JsonElement Shown, Refusal? Refusal)> MakeAsync(Pending pending)
    {
        Enqueue([pending]);
        return pending.Task;
    }

    private void Enqueue(IReadOnlyCollection<Pending> pending)
    {
        if (pending.Count == 0) return;
        lock (_gate)
        {
            foreach (var one in pending) _waiting.AddLast(one);
            if (_isRunning) return;
            _isRunning = true;
        }

        _ = Task.Run(RunAsync, CancellationToken.None);
    }

    private async Task RunAsync()
    {
        while (Gather() is { Count: > 0 } batch)
        {
            var again = new List<Pending>();
            try
            {
                await MakeAsync(batch, again);
            }
            catch (StorageUnavailableException)
            {
                foreach (var pending in batch) pending.Refuse(ChangeRefusals.Unknown.Refusal);
                again.Clear();
            }
            catch (Exception exception)
            {
                foreach (var pending in batch) pending.TrySetException(exception); // a bug: no caller is left waiting
                again.Clear();
            }

            // Something else was faster for all of them: a moment later it is done.
            if (again.Count == batch.Count) await Task.Delay(Pause, time);
            foreach (var pending in again.Where(pending => time.GetElapsedTime(pending.Since) > DirectoryWriter.Deadline).ToList())
            {
                again.Remove(pending);
                pending.Refuse(ChangeRefusals.NotSubmitted.Refusal);
            }

            Enqueue(again);
        }
    }

    /// <summary>One change a user, in the order in which they came; the next one sees what this one made.</summary>
    private List<Pending> Gather()
    {
        lock (_gate)
        {
            var (gathered, users) = (new List<Pending>(), new HashSet<string>(StringComparer.Ordinal));
            for (var node = _waiting.First; node is not null && gathered.Count < MostUsers;)
            {
                var (one, next) = (node, node.Next);
                if (users.Add(one.Value.User))
                {
                    gathered.Add(one.Value);
                    _waiting.Remove(one);
                }

                node = next;
            }

            _isRunning = gathered.Count > 0;
            return gathered;
        }
    }

    private async Task MakeAsync(List<Pending> batch, List<Pending> again)
    {
        var reading = await log.Directory.ReadAttributesAsync([.. batch.Select(pending => pending.User)], CancellationToken.None);
        await rules.ReachAsync(reading.Epoch, reading.RulesRevision, CancellationToken.None);
        var still = new Dictionary<long, (Pending Pending, PatchedAttributes Patched, NewAttributes New)>();
        var moving = new List<Task>();
        for (var i = 0; i < batch.Count; i++)
        {
            var (pending, stored) = (batch[i], reading.Users[i]);
            if (pending.Patch(stored) is not { } patched) continue;
            if (!rules.TryDecide(reading.Epoch, reading.RulesRevision, patched.Changed, patched.Json, out var groups)) again.Add(pending);
            else if (groups.All(group => group.IsMember == stored.RuledGroups.Contains(group.Group)))
                still.Add(stored.User,
                    (pending, patched,
                    new NewAttributes(stored.User, stored.Stamp, patched.Json, pending.IssuedAt ?? stored.ClaimsIssuedAt) { Groups = groups }));
            else
                moving.Add(MoveAsync(pending, reading));
        }

        if (still.Count > 0)
        {
            var done = await log.Directory.StoreAttributesAsync(reading.RulesRevision, [.. still.Values.Select(one => one.New)], CancellationToken.None);
            foreach (var user in done)
            {
                if (still.Remove(user, out var one)) one.Pending.Answer(one.Patched);
            }

            again.AddRange(still.Values.Select(one => one.Pending));
        }

        _ = Task.WhenAll(moving); // answered by themselves; the next batch does not wait for the append turn
    }

    private async Task MoveAsync(Pending pending, AttributesReading reading)
    {
        try
        {
            PatchedAttributes? made = null;
            var change = new DirectoryChange.ChangeAttributes(pending.User, reading.RulesRevision, stored =>
            {
                if (pending.Patch(stored) is not { } patched) return null;
                if (!rules.TryDecide(reading.Epoch, reading.RulesRevision, patched.Changed, patched.Json, out var groups)) return null;
                made = patched;
                return new AttributesDecision(patched.Json, pending.IssuedAt ?? stored.ClaimsIssuedAt, groups);
            });
            switch (await writer.MakeAsync(change, CancellationToken.None))
            {
                case ChangeAnswer.Made { Outcome.Status: ChangeStatus.Done }:
                    pending.Answer(made!);
                    break;
                case ChangeAnswer.Refused refused:
                    pending.Refuse(refused.Refusal);
                    break;
                default:
                    if (!pending.Task.IsCompleted) Enqueue([pending]);
                    break;
            }
        }
        catch (Exception exception)
        {
            pending.TrySetException(exception);
        }
    }

    /// <summary>A change on its way, and its answer.</summary>
    private sealed class Pending(string user, JsonElement patch, AttributesPart part, DateTimeOffset? issuedAt, long since)
        : TaskCompletionSource<(JsonElement Shown, Refusal? Refusal)>(TaskCreationOptions.RunContinuationsAsynchronously)
    {
        public string User => user;

        /// <summary>Of a token's claims: when it was issued.</summary>
        public DateTimeOffset? IssuedAt => issuedAt;

        public long Since => since;

        /// <summary>What it makes of these attributes; null when there is nothing to do, which answers it.</summary>
        public PatchedAttributes? Patch(UserAttributes stored)
        {
            if (issuedAt is not null && stored.ClaimsIssuedAt >= issuedAt)
            {
                TrySetResult((AttributePatch.Shown(stored.Json, part), null));
                return null;
            }

            var (patched, refusal) = AttributePatch.Apply(stored.Json, patch, part);
            if (patched is null) Refuse(refusal!);
            else if (patched.Changed.Count == 0) Answer(patched);
            else return patched;
            return null;
        }

        public void Answer(PatchedAttributes patched) => TrySetResult((patched.Shown, null));

        public void Refuse(Refusal refusal) => TrySetResult((default, refusal));
    }
}
