using System.Collections.Concurrent;
using Notify.Engine.Tail;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Access;

/// <summary>
/// What this node knows of credentials that ended before their time: tokens by user and moment of issue, API keys by id. A function
/// of the log, kept up by its entries, so that it holds on every node whether or not anything else joins them.
/// </summary>
internal sealed class Revocations(INotificationLog log) : ILogApplier
{
    private const int PageSize = 1000;

    private ICredentialWatch[] _watches = [];

    private readonly TaskCompletionSource _loaded = new(TaskCreationOptions.RunContinuationsAsynchronously);

    // By name: users have few, and a caller is known by its name. Never cleared of keys: an id is given once.
    private readonly ConcurrentDictionary<string, bool> _keys = new(StringComparer.Ordinal);
    private ConcurrentDictionary<string, DateTimeOffset> _tokens = new(StringComparer.Ordinal);

    /// <summary>Tells this one too from now on; before the tail begins.</summary>
    public void Watch(ICredentialWatch watch) => _watches = [.. _watches, watch];

    /// <summary>Completes once the revocations were read: before that no credential is accepted.</summary>
    public Task Loaded => _loaded.Task;

    /// <summary>Whether the caller's credential was revoked.</summary>
    public bool HasRevoked(Caller caller) => caller switch
    {
        { Credential.KeyId: { } key } => _keys.ContainsKey(key),
        { Kind: CallerKind.Token, User: { } user } =>
            IssuedBefore(user) is { } moment && (caller.Credential.IssuedAt is not { } issued || IsUpTo(issued, moment)),

        // A principal that does not say when it was issued cannot be told from a newer one: its connections are closed, no more.
        { Kind: CallerKind.Host, User: { } user } => IssuedBefore(user) is { } moment && caller.Credential.IssuedAt is { } issued && IsUpTo(issued, moment),
        _ => false,
    };

    public async ValueTask<LogHead> LoadAsync(LogView view, CancellationToken cancellationToken)
    {
        LogHead? head = null;
        var tokens = new ConcurrentDictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        try
        {
            for (long? after = 0; after is not null;)
            {
                var (asOf, page) = await log.Directory.ListRevocationsAsync(after.Value, PageSize, cancellationToken);
                head ??= asOf;
                foreach (var revocation in page.Items) tokens[revocation.Name] = revocation.IssuedBefore;
                after = page.Next;
            }
        }
        catch (NotSupportedException)
        {
            head = await log.ReadHeadAsync(cancellationToken); // a log without a directory has none
        }

        _tokens = tokens;
        return head!.Value;
    }

    /// <summary>Revocations made while the log was read again are in no entry that follows: every watch checks its connections again.</summary>
    public void Begin(LogView view)
    {
        _loaded.TrySetResult();
        foreach (var watch in _watches) watch.LookAgain();
    }

    public async ValueTask ApplyAsync(LogUnit unit, CancellationToken cancellationToken)
    {
        foreach (var entry in unit.Changes)
        {
            switch (DirectoryEntry.Parse(entry))
            {
                case TokensRevoked revoked when await NameAsync(revoked.User, cancellationToken) is { } user:
                    _tokens[user] = revoked.IssuedBefore; // the last one wins, also with an earlier moment
                    foreach (var watch in _watches) watch.TokensRevoked(user);
                    break;
                case Disconnected disconnected when await NameAsync(disconnected.User, cancellationToken) is { } user:
                    foreach (var watch in _watches) watch.Disconnected(user);
                    break;
                case KeysChanged { Revoked: true } key:
                    _keys[key.Key] = true;
                    foreach (var watch in _watches) watch.KeyRevoked(key.Key);
                    break;
                case KeysChanged:
                    foreach (var watch in _watches) watch.KeyStored();
                    break;
            }
        }
    }

    private DateTimeOffset? IssuedBefore(string user) => _tokens.TryGetValue(user, out var moment) ? moment : null;

    // In whole seconds: a token issued in the second of the revocation may be from before it.
    private static bool IsUpTo(DateTimeOffset issued, DateTimeOffset moment) => issued.ToUnixTimeSeconds() <= moment.ToUnixTimeSeconds();

    private async Task<string?> NameAsync(long user, CancellationToken cancellationToken) =>
        (await log.Directory.FindUsersAsync([user], cancellationToken)) is [var found] ? found.Name : null;
}

/// <summary>What acts when credentials end: connections that are closed, keys that are forgotten. Called by the tail: nothing here waits.</summary>
internal interface ICredentialWatch
{
    /// <summary>Tokens of the user, issued up to a moment, are no longer good.</summary>
    void TokensRevoked(string user);

    /// <summary>The user's connections are to be closed.</summary>
    void Disconnected(string user);

    /// <summary>The key is no longer good.</summary>
    void KeyRevoked(string key);

    /// <summary>A key was stored: a service that was open closes.</summary>
    void KeyStored();

    /// <summary>The log was read anew: whatever is in use must be checked again.</summary>
    void LookAgain();
}
