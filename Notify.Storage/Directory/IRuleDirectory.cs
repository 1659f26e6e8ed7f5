namespace Notify.Storage.Directory;

/// <summary>
/// Rules at work. Everything here is without the log's lock: a group's first members are filled in before it is active, and
/// differences are found before they are entered by <see cref="DirectoryChange.ApplyRule"/>.
/// </summary>
/// <remarks>Every member may throw <see cref="Log.StorageUnavailableException"/>.</remarks>
public interface IRuleDirectory
{
    /// <summary>The rules whose revision is above this one; all that are in force when it is negative.</summary>
    Task<RulesReading> ReadRulesAsync(long above, CancellationToken cancellationToken);

    /// <summary>Takes the oldest work without an owner, or whose owner's lease is over. Null: there is none.</summary>
    Task<RuleWork?> ClaimAsync(Guid owner, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>How many groups have a rule that is not worked through yet.</summary>
    Task<long> CountPendingAsync(CancellationToken cancellationToken);

    /// <summary>Prolongs the lease; false when the work is no longer the owner's or for another rule.</summary>
    Task<bool> RenewAsync(RuleWork work, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>The rule of an active group is worked through.</summary>
    Task FinishAsync(RuleWork work, CancellationToken cancellationToken);

    /// <summary>The owner gives up: if the group ended meanwhile, what was filled in is left to the upkeep.</summary>
    Task AbandonAsync(RuleWork work, CancellationToken cancellationToken);

    /// <summary>Whose membership differs from what the rule says, among the next users by number.</summary>
    Task<RuleSlice> CompareAsync(RuleWork work, RuleTest rule, long after, int users, CancellationToken cancellationToken);

    /// <summary>Fills in the members among the next users by number. Null: the work is no longer the owner's.</summary>
    Task<FillStep?> FillAsync(RuleWork work, RuleTest rule, long after, int users, CancellationToken cancellationToken);

    /// <summary>Fills in anew those whose attributes changed after a mark. Null: the work is no longer the owner's.</summary>
    Task<FillStep?> FillChangedAsync(RuleWork work, RuleTest rule, string mark, CancellationToken cancellationToken);

    /// <summary>How many members were filled in.</summary>
    Task<long> CountFilledAsync(RuleWork work, CancellationToken cancellationToken);

    /// <summary>The users that would satisfy a rule, among the next by number. Changes nothing.</summary>
    Task<RulePreview> PreviewAsync(RuleTest rule, long after, int users, int examples, CancellationToken cancellationToken);
}
