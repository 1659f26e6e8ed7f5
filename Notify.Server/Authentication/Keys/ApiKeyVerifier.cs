using System.Collections.Concurrent;
using System.Security.Cryptography;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Server.Authentication.Tokens;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Authentication.Keys;

/// <summary>
/// From an API key to its caller. Keys are read once and kept; a revocation is known by the log before the next look, whatever is
/// kept. When a key was used is told to storage now and then, many at once.
/// </summary>
internal sealed partial class ApiKeyVerifier : NodeService, ICredentialWatch
{
    private const int Kept = 10_000;
    private static readonly TimeSpan Coarse = TimeSpan.FromMinutes(1);

    private static readonly Rejection Mistyped = new("malformed", "The API key has a slip in it: its checksum does not fit. Copy it whole.", Counts: true);

    private readonly ConcurrentDictionary<string, KnownKey> _known = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, DateTimeOffset> _used = new(StringComparer.Ordinal);

    private readonly INotificationLog _log;
    private readonly CredentialState _state;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private int _generation;

    public ApiKeyVerifier(Revocations revocations, INotificationLog log, CredentialState state, TimeProvider time, ILogger<ApiKeyVerifier> logger)
    {
        (_log, _state, _time, _logger) = (log, state, time, logger);
        revocations.Watch(this);
    }

    void ICredentialWatch.TokensRevoked(string user)
    {
    }

    void ICredentialWatch.Disconnected(string user)
    {
    }

    void ICredentialWatch.KeyStored()
    {
    }

    void ICredentialWatch.KeyRevoked(string key) => _known.TryRemove(key, out _);

    void ICredentialWatch.LookAgain()
    {
        Interlocked.Increment(ref _generation); // a read under way is not kept
        _known.Clear();
    }

    /// <exception cref="StorageUnavailableException">The key is not known here, and storage does not answer.</exception>
    public async ValueTask<(Caller?, Rejection?)> VerifyAsync(ReadOnlyMemory<char> text, string? device, LastShown? last)
    {
        if (last?.Find<KnownKey>(text) is { } same && _known.TryGetValue(same.Key.Id, out var still) && still == same) return Accept(same, device);
        if (!KeyText.TryRead(text.ToString(), out var key)) return (null, Mistyped);
        if (!_known.TryGetValue(key.Id, out var known))
        {
            if (!key.IsWhole) return (null, Mistyped);
            var generation = Volatile.Read(ref _generation);
            if (await FindAsync(key.Id) is not { } found) return (null, Unknown(key));
            known = new KnownKey(found);
            if (_known.Count >= Kept) _known.Clear();
            if (generation == Volatile.Read(ref _generation)) _known[key.Id] = known;
        }

        // In constant time: how far a guess agrees must not show.
        if (!CryptographicOperations.FixedTimeEquals(key.Hash, known.Key.Hash.Span)) return (null, key.IsWhole ? Unknown(key) : Mistyped);
        last?.Keep(text, known);
        return Accept(known, device);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Coarse, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken)) await StoreUsesAsync(stoppingToken);
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }

        await StoreUsesAsync(CancellationToken.None);
    }

    /// <summary>What may have changed since a key was first shown.</summary>
    private (Caller?, Rejection?) Accept(KnownKey known, string? device)
    {
        var caller = device is null ? known.Caller : known.Caller with { Device = device };
        if (_state.Check(caller) is { } revoked) return (null, revoked);
        var (id, now) = (known.Key.Id, _time.GetUtcNow());
        if (known.Key.ExpiresAt <= now) return (null, new Rejection(Rejection.Expired, "The API key has expired.", Counts: false, id));
        if (known.IsUsedAgain(now)) _used[id] = now;
        return (caller, null);
    }

    private async Task<ApiKey?> FindAsync(string id)
    {
        try
        {
            return await _log.Directory.FindKeyAsync(id, CancellationToken.None);
        }
        catch (NotSupportedException)
        {
            return null; // a log without a directory has no keys
        }
    }

    private async Task StoreUsesAsync(CancellationToken cancellationToken)
    {
        if (_used.IsEmpty) return;
        var used = new Dictionary<string, DateTimeOffset>(StringComparer.Ordinal);
        foreach (var (id, _) in _used)
        {
            if (_used.TryRemove(id, out var at)) used[id] = at;
        }

        try
        {
            await _log.Directory.UseKeysAsync(used, cancellationToken);
        }
        catch (Exception exception) when (exception is StorageUnavailableException or NotSupportedException)
        {
            Log.NotStored(_logger, used.Count);
        }
    }

    private static Rejection Unknown(KeyText key) => new("unknown_key", "The API key is unknown, or was revoked.", Counts: true, key.Id);

    /// <summary>A stored key and the caller that it makes, but for the device.</summary>
    private sealed class KnownKey(ApiKey stored)
    {
        private long _usedAt;

        public NewApiKey Key => stored.Key;

        public Caller Caller { get; } = new()
        {
            Kind = CallerKind.Key,
            Name = stored.Key.Name,
            Publisher = PublisherNames.OfKey(stored.Key.Id),
            Grants = new Grants { Publish = Filters(stored.Key.Publish), Subscribe = Filters(stored.Key.Subscribe), Admin = stored.Key.Admin },
            Credential = new Credential(stored.Key.Id, stored.CreatedAt, stored.Key.ExpiresAt),
        };

        /// <summary>False within a second of the use that was noted last.</summary>
        public bool IsUsedAgain(DateTimeOffset now)
        {
            if (now.UtcTicks - Volatile.Read(ref _usedAt) < TimeSpan.TicksPerSecond) return false;
            Volatile.Write(ref _usedAt, now.UtcTicks);
            return true;
        }

        private static TopicFilter[] Filters(IReadOnlyList<string> texts) =>
            [.. texts.Select(text => TopicFilter.TryParseAny(text, out var filter, out _) ? filter : null).OfType<TopicFilter>()];
    }

    private static partial class Log
    {
        [LoggerMessage(6002, LogLevel.Debug, "The last use of {Count} API keys could not be stored. Their next use is stored.")]
        public static partial void NotStored(ILogger logger, int count);
    }
}
