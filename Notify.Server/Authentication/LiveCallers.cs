using System.Collections.Concurrent;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Authentication.Keys;
using Notify.Storage.Log;

namespace Notify.Server.Authentication;

/// <summary>
/// The callers of this node's connections, hub and event streams alike. Closes those whose credential expired, was revoked or
/// belongs to a door that has closed, with reconnect allowed: a client that has a fresh credential comes back by itself.
/// </summary>
internal sealed partial class LiveCallers : NodeService, ICredentialWatch
{
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, LiveCaller> _live = new(StringComparer.Ordinal);
    private readonly CredentialState _state;
    private readonly CurrentAccessMode _accessMode;
    private readonly INotificationLog _log;
    private readonly AccessMetrics _metrics;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private int _lookAgain;

    public LiveCallers(Revocations revocations, CredentialState state, CurrentAccessMode accessMode, INotificationLog log, AccessMetrics metrics,
        TimeProvider time, ILogger<LiveCallers> logger)
    {
        (_state, _accessMode, _log, _metrics, _time, _logger) = (state, accessMode, log, metrics, time, logger);
        revocations.Watch(this);
    }

    /// <summary>
    /// Registers a connection's caller; false when its credential has ended meanwhile. The caller is registered before it is
    /// looked at again: a revocation either finds it here or is found by this look.
    /// </summary>
    public bool TryAdd(string connectionId, LiveCaller caller)
    {
        _live[connectionId] = caller;
        if (IsGood(caller.Current)) return true;
        _live.TryRemove(connectionId, out _);
        return false;
    }

    public void Remove(string connectionId) => _live.TryRemove(connectionId, out _);

    /// <summary>A fresh credential on a connection that is there; false when it has ended meanwhile.</summary>
    public bool TryReplace(LiveCaller live, Caller fresh)
    {
        live.Replace(fresh);
        return IsGood(fresh);
    }

    public void TokensRevoked(string user) =>
        Close("revoked", caller =>
        caller.User == user && _state.Check(caller) is not null || caller is { Kind: CallerKind.Host, Credential.IssuedAt: null } && caller.User == user);

    public void Disconnected(string user) => Close("disconnected", caller => caller.User == user);

    public void KeyRevoked(string key) => Close("revoked", caller => caller.Credential.KeyId == key);

    /// <summary>From the first stored key on, callers without a credential are rejected, and their open connections are closed.</summary>
    public void KeyStored()
    {
        _accessMode.Decide(AccessMode.Closed);
        Close("closed", caller => caller.Kind is CallerKind.Development or CallerKind.Everybody);
    }

    public void LookAgain() => Interlocked.Exchange(ref _lookAgain, 1);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _metrics.BeginAtZero();
        using var timer = new PeriodicTimer(Look, _time);
        try
        {
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                CloseExpired();
                if (Interlocked.Exchange(ref _lookAgain, 0) == 1) await CheckAllAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
            // Told to stop, perhaps by a start that a mistaken setting ended: the host would report it as a failure of this part.
        }
    }

    private bool IsGood(Caller caller) =>
        _state.Check(caller) is null && (caller.Kind is not (CallerKind.Development or CallerKind.Everybody) || _accessMode.Now != AccessMode.Closed);

    private void CloseExpired()
    {
        var now = _time.GetUtcNow();
        Close("expired", live => live.EndsAt <= now);
    }

    // After the log was read anew: a key may have been revoked, or a first one stored, by an entry that this node never saw.
    private async Task CheckAllAsync(CancellationToken cancellationToken)
    {
        try
        {
            if (_accessMode.Now is AccessMode.Development or AccessMode.Everybody && await _log.Directory.WereKeysStoredAsync(cancellationToken)) KeyStored();
            foreach (var key in _live.Values.Select(live => live.Current.Credential.KeyId).OfType<string>().Distinct().ToArray())
            {
                if (await _log.Directory.FindKeyAsync(key, cancellationToken) is null) KeyRevoked(key);
            }

            Close("revoked", caller => !IsGood(caller));
        }
        catch (NotSupportedException)
        {
            // A log without a directory.
        }
        catch (StorageUnavailableException)
        {
            LookAgain();
        }
    }

    private void Close(string reason, Func<Caller, bool> ended) => Close(reason, (LiveCaller live) => ended(live.Current));

    private void Close(string reason, Func<LiveCaller, bool> ended)
    {
        var closed = 0;
        foreach (var (id, live) in _live)
        {
            if (!ended(live) || !_live.TryRemove(id, out _)) continue;
            live.Session.Sink.CloseForReconnect();
            closed++;
        }

        if (closed == 0) return;
        _metrics.Ended(reason, closed);
        Log.Closed(_logger, closed, reason);
    }

    private static partial class Log
    {
        [LoggerMessage(6003, LogLevel.Information, "Closed {Count} connections, reconnect allowed: {Reason}.")]
        public static partial void Closed(ILogger logger, int count, string reason);
    }
}
