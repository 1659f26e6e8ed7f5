using Notify.Storage.Directory;
using Notify.Storage.Log;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>Appends batches one at a time, and tells what is known of each: stored, not stored, or unknown.</summary>
internal sealed class PostgresAppend(NpgsqlDataSource connections, PostgresPartitions partitions) : IAsyncDisposable
{
    /// <summary>How often one append makes partitions for itself.</summary>
    private const int PartitionMakings = 5;

    private readonly SemaphoreSlim _turn = new(1);
    private PostgresAppendSession? _session;

    public async Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            var refused = AppendPlan.Unstorable(batch);
            var makings = 0;
            while (true)
            {
                var positions = AppendPlan.Positions(batch, refused);
                var entries = positions.ConvertAll(position => batch.Entries[position]);
                try
                {
                    var answers = await SubmitAsync(batch.Id, entries, cancellationToken);
                    return answers.ResultOf(batch, refused);
                }
                catch (PostgresException error) when (PostgresErrors.IsNoPartition(error))
                {
                    // Made here or meanwhile by another node; and the others may use them up before this one's turn.
                    if (++makings > PartitionMakings) throw PostgresErrors.Unavailable(error);
                    await PostgresErrors.TranslateOutages(() => partitions.MakeAheadAsync(entries.Count, cancellationToken));
                }
                catch (PostgresException error) when (PostgresErrors.IsRowError(error))
                {
                    // The error names no row. A retry of the batch bisects to the same entries.
                    var before = refused.Count;
                    await PostgresErrors.TranslateOutages(() => FindRefusedAsync(batch, positions, refused, cancellationToken));
                    if (refused.Count == before)
                        throw PostgresErrors.Unavailable(error);
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>Makes changes, in the same turn as appends and on the same connection.</summary>
    public async Task<ChangeResult> ChangeAsync(ChangeBatch changes, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            for (var makings = 0; ; makings++)
            {
                try
                {
                    return await SubmitAsync(changes, cancellationToken);
                }
                catch (PostgresException error) when (PostgresErrors.IsNoPartition(error))
                {
                    if (makings == PartitionMakings) throw PostgresErrors.Unavailable(error);
                    await PostgresErrors.TranslateOutages(() => partitions.MakeAheadAsync(ChangeBatch.MostRows, cancellationToken));
                }
            }
        }
        finally
        {
            _turn.Release();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _turn.WaitAsync();
        await CloseAsync();
        _turn.Dispose();
    }

    /// <summary>Lets errors of a row pass; everything else leaves as what it means for the caller.</summary>
    private async Task<AppendAnswers> SubmitAsync(
        Guid batchId, IReadOnlyList<NewEntry> entries, CancellationToken cancellationToken)
    {
        var session = await PostgresErrors.TranslateOutages(() => OpenAsync(cancellationToken));
        try
        {
            return await session.SubmitAsync(batchId, entries, cancellationToken);
        }
        catch (PostgresException error) when (PostgresErrors.IsRolledBack(error))
        {
            if (PostgresErrors.IsRowError(error) || PostgresErrors.IsNoPartition(error))
                throw;

            // A prepared statement that has gone bad (a DISCARD, a changed table) must not stay for ever.
            await CloseAsync();
            await EndStalledHolderAsync(error, cancellationToken);
            throw PostgresErrors.Unavailable(error);
        }
        catch (Exception error)
        {
            // Also a cancellation: the request may have come too late.
            await CloseAsync();
            throw new AppendOutcomeUnknownException($"The append was submitted and not answered: {PostgresErrors.Cause(error)}", error);
        }
    }

    /// <summary>Lets a missing partition pass; everything else leaves as what it means for the caller.</summary>
    private async Task<ChangeResult> SubmitAsync(ChangeBatch changes, CancellationToken cancellationToken)
    {
        var session = await PostgresErrors.TranslateOutages(() => OpenAsync(cancellationToken));
        try
        {
            return await session.SubmitAsync(changes, cancellationToken);
        }
        catch (PostgresException error) when (PostgresErrors.IsRolledBack(error))
        {
            if (!PostgresErrors.IsNoPartition(error))
            {
                await CloseAsync();
                await EndStalledHolderAsync(error, cancellationToken);
                throw PostgresErrors.Unavailable(error);
            }

            await PostgresErrors.TranslateOutages(async () =>
            {
                await session.RollBackAsync(cancellationToken);
                return true;
            });
            throw;
        }
        catch (Exception error)
        {
            // Before the writes were sent with their COMMIT nothing can be stored; a lost transaction is rolled back.
            var unknown = session.AreChangesSubmitted;
            await CloseAsync();
            if (unknown) throw new AppendOutcomeUnknownException($"The changes were submitted and not answered: {error.Message}", error);
            if (PostgresErrors.IsUnavailable(error)) throw PostgresErrors.Unavailable(error);
            throw;
        }
    }

    /// <summary>The log's lock was waited for in vain: another node may have been stopped with it. The next attempt finds it free.</summary>
    private async Task EndStalledHolderAsync(PostgresException error, CancellationToken cancellationToken)
    {
        if (error.SqlState != PostgresErrorCodes.LockNotAvailable) return;
        var ended = await PostgresErrors.TranslateOutages(() => PostgresStalledHolder.EndAsync(connections, cancellationToken));
        if (ended > 0)
            throw new StorageUnavailableException($"The log's lock was held by {ended} connection(s) of a node that had stopped in the middle of a batch; " +
                "they were ended, and the next attempt finds the lock free.", error);
    }

    /// <summary>Halves the entries, in transactions that are rolled back, until the bad ones stand alone.</summary>
    private async Task<bool> FindRefusedAsync(
        AppendBatch batch, List<int> positions, Dictionary<int, string> refused, CancellationToken cancellationToken)
    {
        var session = await OpenAsync(cancellationToken);
        try
        {
            var entries = positions.ConvertAll(position => batch.Entries[position]);
            if (await session.ProbeAsync(entries, cancellationToken) is not { } error)
                return false;
            if (positions is [var one])
            {
                refused.Add(one, $"Postgres refused it ({error.SqlState}): {error.MessageText}");
                return true;
            }
        }
        catch
        {
            await CloseAsync();
            throw;
        }

        var half = positions.Count / 2;
        var first = await FindRefusedAsync(batch, positions[..half], refused, cancellationToken);
        var second = await FindRefusedAsync(batch, positions[half..], refused, cancellationToken);
        return first || second;
    }

    private async Task<PostgresAppendSession> OpenAsync(CancellationToken cancellationToken) =>
        _session ??= await PostgresAppendSession.OpenAsync(connections, cancellationToken);

    private async Task CloseAsync()
    {
        var session = _session;
        _session = null;
        if (session is null)
            return;
        try
        {
            await session.DisposeAsync();
        }
        catch (Exception error) when (PostgresErrors.IsUnavailable(error))
        {
            // It was broken already; what that means has been told.
        }
    }
}
