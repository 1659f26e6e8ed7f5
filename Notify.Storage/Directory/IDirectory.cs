using Notify.Storage.Log;

namespace Notify.Storage.Directory;

/// <summary>
/// Users, groups, memberships, durable subscriptions, devices, API keys and revocations, kept with the log: what concerns
/// delivery changes only by entries of the log (<see cref="ChangeAsync"/>), in the log's own order. Postgres and SQLite
/// implement it under one specification.
/// </summary>
/// <remarks>
/// Every member may throw <see cref="StorageUnavailableException"/>: nothing happened then. Reads see what is committed on the
/// primary. All lists are in the order of an index, and a page costs what it returns.
/// </remarks>
public interface IDirectory
{
    /// <summary>
    /// Makes the changes as one transaction under the log's lock, their entries with contiguous versions. A repeat of the
    /// same batch (by <see cref="ChangeBatch.Id"/>) returns the first answers and changes nothing. One change that is
    /// refused leaves the others alone. When none of them changes anything, the lock is not taken.
    /// </summary>
    /// <remarks>Shares the node's append turn: at most one append or batch of changes is under way at a time.</remarks>
    /// <exception cref="StorageUnavailableException">Nothing was changed.</exception>
    /// <exception cref="AppendOutcomeUnknownException">The connection broke after submission. Repeat the same batch before any other and
    /// before any append.</exception>
    Task<ChangeResult> ChangeAsync(ChangeBatch batch, CancellationToken cancellationToken);

    /// <summary>
    /// The people data for sessions of these users, in one statement: hundreds at once cost little more than one.
    /// Users never mentioned before are given numbers.
    /// </summary>
    Task<PeopleReading> ReadPeopleAsync(IReadOnlyList<SessionUser> users, CancellationToken cancellationToken);

    /// <summary>Users by number: those that exist.</summary>
    Task<IReadOnlyList<DirectoryUser>> FindUsersAsync(IReadOnlyCollection<long> numbers, CancellationToken cancellationToken);

    /// <summary>Users by name: those that were ever mentioned.</summary>
    Task<IReadOnlyList<DirectoryUser>> FindUsersAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken);

    /// <summary>Generations of groups by number, ended ones included. What a number names never changes.</summary>
    Task<IReadOnlyList<DirectoryGroup>> FindGroupsAsync(IReadOnlyCollection<long> numbers, CancellationToken cancellationToken);

    /// <summary>The group of this name as it is now, or null.</summary>
    Task<DirectoryGroup?> FindGroupAsync(string name, CancellationToken cancellationToken);

    /// <summary>The groups there are, by name in ordinal order.</summary>
    /// <param name="prefix">Only those whose names begin with it; empty: all.</param>
    /// <param name="after">Only names above this one.</param>
    /// <param name="limit">At most so many.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <returns>The next page begins after the last name of this one; it is the last page when it has fewer than asked for.</returns>
    Task<IReadOnlyList<DirectoryGroup>> ListGroupsAsync(string prefix, string? after, int limit, CancellationToken cancellationToken);

    /// <summary>The members of a generation of a group, by number: in the order in which users were first mentioned.</summary>
    Task<DirectoryPage<DirectoryUser, long>> ListMembersAsync(long group, long after, int limit, CancellationToken cancellationToken);

    /// <summary>Which of these users (by number) are members of the group now, with the head that this is true of.</summary>
    Task<(LogHead Head, IReadOnlyList<long> Users)> FindMembersAsync(long group, IReadOnlyCollection<long> users, CancellationToken cancellationToken);

    /// <summary>
    /// When these users (by number) were or are members of this generation of a group, with the head that this is true of: an
    /// entry that names no users is applied by it, perhaps long after, when some of them have come and gone.
    /// </summary>
    Task<(LogHead Head, IReadOnlyList<HeldBy> Held)> ReadHeldAsync(long group, IReadOnlyCollection<long> users, CancellationToken cancellationToken);

    /// <summary>The names of the groups that the user is in, in ordinal order.</summary>
    Task<IReadOnlyList<string>> ListGroupsOfAsync(string user, string? after, int limit, CancellationToken cancellationToken);

    /// <summary>The user's durable subscriptions, in ordinal order.</summary>
    Task<IReadOnlyList<string>> ListSubscriptionsAsync(string user, string? after, int limit, CancellationToken cancellationToken);

    /// <summary>
    /// Stores what devices have acknowledged, many at once, without an entry and without the log's lock. A user has at most
    /// <see cref="MostDevices"/>: the least recently seen is forgotten.
    /// </summary>
    Task AcknowledgeAsync(IReadOnlyCollection<Acknowledgement> acknowledgements, CancellationToken cancellationToken);

    /// <summary>The user's devices by name in ordinal order.</summary>
    Task<IReadOnlyList<UserDevice>> ListDevicesAsync(string user, string? after, int limit, CancellationToken cancellationToken);

    /// <summary>Forgets a device; nothing happens when there is none.</summary>
    Task ForgetDeviceAsync(string user, string device, CancellationToken cancellationToken);

    /// <summary>Attributes by user's name; users never mentioned before are given numbers.</summary>
    Task<AttributesReading> ReadAttributesAsync(IReadOnlyList<string> users, CancellationToken cancellationToken);

    /// <summary>
    /// Stores attributes of users that this moves into or out of no group, many at once, without an entry and without the
    /// log's lock. Only those whose attributes still have the stamp they were made from and which are still in the groups that they
    /// were found to be in, and only while the rules are those of
    /// this revision; the others are to be read again.
    /// </summary>
    /// <returns>The numbers of the users whose attributes were stored.</returns>
    Task<IReadOnlyList<long>> StoreAttributesAsync(long rulesRevision, IReadOnlyCollection<NewAttributes> attributes, CancellationToken cancellationToken);

    /// <summary>Rules at work.</summary>
    IRuleDirectory Rules { get; }

    /// <summary>The API key with this id, expired ones included; null when there is none or it was revoked.</summary>
    Task<ApiKey?> FindKeyAsync(string id, CancellationToken cancellationToken);

    /// <summary>The API keys in the order in which they were stored.</summary>
    Task<DirectoryPage<ApiKey, long>> ListKeysAsync(long after, int limit, CancellationToken cancellationToken);

    /// <summary>Whether an API key was ever stored: it need not be there any more.</summary>
    Task<bool> WereKeysStoredAsync(CancellationToken cancellationToken);

    /// <summary>Remembers when keys were used, many at once; never goes back.</summary>
    Task UseKeysAsync(IReadOnlyDictionary<string, DateTimeOffset> usedAt, CancellationToken cancellationToken);

    /// <summary>
    /// Revocations of tokens by the user's number, with the head of the same snapshot: a node reads all pages before it
    /// accepts credentials, and applies the entries above the first page's head.
    /// </summary>
    Task<(LogHead Head, DirectoryPage<TokenRevocation, long> Page)> ListRevocationsAsync(long after, int limit, CancellationToken cancellationToken);

    /// <summary>The revocation that concerns this user, or null.</summary>
    Task<TokenRevocation?> FindRevocationAsync(string user, CancellationToken cancellationToken);

    /// <summary>How many devices of a user are kept.</summary>
    const int MostDevices = 100;
}
