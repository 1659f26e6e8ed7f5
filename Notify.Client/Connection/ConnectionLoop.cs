using Microsoft.Extensions.Logging;
using Notify.Client.Observability;
using Notify.Contracts;
using Notify.Contracts.Hub;

namespace Notify.Client.Connection;

/// <summary>What the loop needs of the client that it is of.</summary>
/// <param name="Buffer">Where deliveries go.</param>
/// <param name="Topics">What Resume names.</param>
/// <param name="Addresses">Where to connect.</param>
/// <param name="Tokens">With which token.</param>
/// <param name="Calls">One lock for Resume and for what changes the filters.</param>
/// <param name="Logger">Where to log.</param>
internal sealed record LoopParts(
    DeliveryBuffer Buffer, FollowedTopics Topics, Addresses Addresses, Tokens Tokens, SemaphoreSlim Calls, ILogger Logger);

/// <summary>Connects, resumes, hands over what comes, and begins again, until it is stopped or refused for good.</summary>
internal sealed partial class ConnectionLoop(NotifyClientOptions options, LoopParts parts, ILoopOwner owner)
{
    private readonly TaskCompletionSource<bool> _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(500), options.MaxReconnectDelay);
    private Place _place = new(null);
    private volatile HubSession? _current;
    private long _duplicates;
    private int _failures;
    private int _refused;
    private string? _refusedToken;
    private bool _everResumed;

    /// <summary>Completes with the first answer to Resume; fails with what refuses the client for good.</summary>
    public Task Started => _started.Task;

    /// <summary>The connection that has resumed; null without one.</summary>
    public HubSession? Current => _current;

    public long DuplicatesDropped => Interlocked.Read(ref _duplicates);

    public async Task RunAsync(Cursor? start, CancellationToken stopping)
    {
        _place = new Place(start);
        try
        {
            while (true)
            {
                var end = await OnceAsync(stopping).ConfigureAwait(false);
                stopping.ThrowIfCancellationRequested();
                if (!parts.Buffer.RoomAsync(stopping).IsCompleted)
                {
                    owner.Enter(new NotifyClientState.ReaderBehind());
                    await parts.Buffer.RoomAsync(stopping).ConfigureAwait(false);
                    _backoff.Reset();
                    continue;
                }

                if (end.Again || await IsRenewedAsync(end.Why, stopping).ConfigureAwait(false)) continue;
                if (IsFinal(end.Why))
                {
                    Fail(end.Why);
                    return;
                }

                await WaitAsync(end.Why, stopping).ConfigureAwait(false);
            }
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            _started.TrySetCanceled(stopping);
        }
    }

    private async Task WaitAsync(NotifyException why, CancellationToken stopping)
    {
        var failed = parts.Addresses.Current;
        parts.Addresses.Failed();
        var delay = Longest(_backoff.Next(), parts.Addresses.Resting, why.RetryAfter ?? TimeSpan.Zero);
        if (++_failures == 1) Log.FirstFailure(parts.Logger, why.Message, failed.Authority, why.InnerException);
        else Log.Failed(parts.Logger, why.Message, _failures, why.InnerException);
        ClientTelemetry.Reconnects.Add(1);
        owner.Enter(new NotifyClientState.Retrying(_failures, options.TimeProvider.GetUtcNow() + delay, why));
        await Task.Delay(delay, options.TimeProvider, stopping).ConfigureAwait(false);
    }

    private void Fail(NotifyException why)
    {
        Log.Refused(parts.Logger, why.Code, why.Message);
        owner.Enter(new NotifyClientState.Failed(why));
        _started.TrySetException(why);
        _ = _started.Task.Exception; // told by the state too
        parts.Buffer.Complete(why);
    }

    // One connection, from start to close: why it ended, and whether the next one begins at once.
    private async Task<(NotifyException Why, bool Again)> OnceAsync(CancellationToken stopping)
    {
        owner.Enter(new NotifyClientState.Connecting());
        var address = parts.Addresses.Current;
        using var letGo = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var back = new Watch(false);
        HubSession? session = null;
        Task beside = Task.CompletedTask;
        try
        {
            await parts.Tokens.GetAsync(parts.Tokens.RenewIn is null ? parts.Tokens.Value : null, letGo.Token).ConfigureAwait(false);
            session = new HubSession(options, address, parts.Tokens, new Events(this, letGo));
            await session.StartAsync(letGo.Token).WaitAsync(options.Timeout, options.TimeProvider, letGo.Token).ConfigureAwait(false);
            await ResumeAsync(session, letGo.Token).ConfigureAwait(false);
            parts.Addresses.Worked();
            beside = Task.WhenAll(RenewAsync(session, letGo), ReturnAsync(back, letGo));
            var error = await session.Closed.WaitAsync(letGo.Token).ConfigureAwait(false);
            Log.Closed(parts.Logger, error);
            return (ConnectionFailure.Closed(error), false);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested)
        {
            // A failed attempt, a connection lost during Resume, a reader that is behind, or the first address that is well again.
            return (letGo.IsCancellationRequested ? new NotifyException(null, "The connection was let go.", null, e) : ConnectionFailure.Of(e, address),
                back.IsSet);
        }
        finally
        {
            _current = null;
            await letGo.CancelAsync().ConfigureAwait(false); // a start that is under way holds the session's lock
            await beside.ConfigureAwait(false);
            if (session is not null) await session.DisposeAsync().ConfigureAwait(false);
        }
    }

    private async Task ResumeAsync(HubSession session, CancellationToken cancellationToken)
    {
        await parts.Calls.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            var request = new ResumeRequest { Since = _place.Since, Epoch = _place.Epoch, Topics = parts.Topics.Snapshot(), Inbox = options.Inbox };
            await session.ResumeAsync(request, Resumed, cancellationToken).ConfigureAwait(false);
            _current = session;
        }
        finally
        {
            parts.Calls.Release();
        }

        await owner.ResumedAsync(session, cancellationToken).ConfigureAwait(false);
        _started.TrySetResult(true);
    }

    private void Resumed(ResumeResult result)
    {
        _place.Resumed(result);
        (_everResumed, _refused, _refusedToken) = (true, 0, null);
        owner.Enter(new NotifyClientState.CatchingUp());
    }

    // Called by one connection at a time and one item after the other. After letGo nothing more is taken from this
    // connection: the next one brings it again.
    private void Receive(object item, CancellationTokenSource letGo)
    {
        if (letGo.IsCancellationRequested) return;
        var before = (_place.Since, _place.Epoch);
        if (item is Notification { Version: { } version } && !_place.Advance(version))
        {
            Interlocked.Increment(ref _duplicates);
            Log.Duplicate(parts.Logger, version);
            return;
        }

        if (item is Gap gap) _place.Skipped(gap);
        else if (item is CaughtUp caughtUp) _place.Reached(caughtUp.Head, caughtUp.Epoch);
        else if (item is Progress progress) _place.Reached(progress.Version, progress.Epoch);

        var after = item is Notification { Version: null } ? null : _place.Cursor;
        if (!parts.Buffer.TryAdd(new Delivery(item as Notification, item as Notification is null ? item : null, after)))
        {
            _place = new Place(before is (long since, string epoch) ? new Cursor(since, epoch) : null);
            _ = letGo.CancelAsync(); // elsewhere: this thread is the connection's own
        }
        else if (item is CaughtUp)
        {
            // Not at Resume: a service that takes the call and then closes would be asked again without any wait.
            _backoff.Reset();
            _failures = 0;
            owner.Enter(new NotifyClientState.Live());
        }
    }

    // A token that was refused is asked for once more, until one is accepted.
    private async Task<bool> IsRenewedAsync(NotifyException why, CancellationToken stopping)
    {
        if (why.Code != ErrorCodes.Unauthenticated || !parts.Tokens.IsRenewable || _refusedToken is not null) return false;
        _refusedToken = parts.Tokens.Value ?? "";
        try
        {
            return await parts.Tokens.GetAsync(parts.Tokens.Value, stopping).ConfigureAwait(false) != _refusedToken;
        }
        catch (NotifyException)
        {
            _refusedToken = null; // the provider is away, which says nothing about the token
            return false;
        }
    }

    private bool IsFinal(NotifyException why)
    {
        if (why.IsTransient) return false;
        // Before the first success it is most likely the address or the token that is wrong, and the caller should hear of it;
        // afterwards it is a deployment under way or a token provider that has a bad minute.
        if (_everResumed && (why.OnTheWayIn || why.Code == ErrorCodes.Unauthenticated) && (why.Code != ErrorCodes.Unauthenticated || parts.Tokens.IsRenewable))
        {
            _refusedToken = null;
            return false;
        }

        return ++_refused >= parts.Addresses.Count;
    }

    // A fresh token for the living connection, before the one at hand ends.
    private async Task RenewAsync(HubSession session, CancellationTokenSource letGo)
    {
        try
        {
            while (parts.Tokens.RenewIn is { } wait)
            {
                await Task.Delay(wait < LongestTimer ? wait : LongestTimer, options.TimeProvider, letGo.Token).ConfigureAwait(false);
                if (parts.Tokens.RenewIn > TimeSpan.Zero) continue;
                if (!await TryRenewAsync(session, letGo.Token).ConfigureAwait(false))
                    await Task.Delay(new Backoff(TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(5)).Next(), options.TimeProvider, letGo.Token)
                        .ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The connection is no more.
        }
        catch (Exception e)
        {
            // Refused, or of another user: that needs a connection of its own.
            Log.NotRenewed(parts.Logger, e);
            await letGo.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task<bool> TryRenewAsync(HubSession session, CancellationToken cancellationToken)
    {
        try
        {
            if (await parts.Tokens.GetAsync(parts.Tokens.Value, cancellationToken).ConfigureAwait(false) is not { } token) return true;
            await parts.Calls.WaitAsync(cancellationToken).ConfigureAwait(false);
            try
            {
                var request = new ReauthenticateRequest { Token = token };
                var result = await session.InvokeAsync<ReauthenticateResult>(HubMethods.Reauthenticate, request, cancellationToken).ConfigureAwait(false);
                // What the new token does not cover is over; named again, it would refuse the next Resume.
                parts.Topics.Keep(result.Topics);
            }
            finally
            {
                parts.Calls.Release();
            }

            return true;
        }
        catch (NotifyException e) when (e.IsTransient)
        {
            Log.NotRenewed(parts.Logger, e);
            return false;
        }
    }

    // While another address is in use: a connection to the first one that gets as far as the handshake means that it is well.
    private async Task ReturnAsync(Watch back, CancellationTokenSource letGo)
    {
        try
        {
            while (!parts.Addresses.IsFirst)
            {
                await Task.Delay(options.ReturnInterval, options.TimeProvider, letGo.Token).ConfigureAwait(false);
                if (!await IsWellAsync(parts.Addresses.First, letGo.Token).ConfigureAwait(false)) continue;
                Log.Returning(parts.Logger, parts.Addresses.First.Authority);
                parts.Addresses.Return();
                back.IsSet = true;
                await letGo.CancelAsync().ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
            // The connection is no more.
        }
    }

    private async Task<bool> IsWellAsync(Uri address, CancellationToken cancellationToken)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var probe = new HubSession(options, address, parts.Tokens, new Events(this, limit));
        try
        {
            await probe.StartAsync(limit.Token).WaitAsync(options.Timeout, options.TimeProvider, limit.Token).ConfigureAwait(false);
            return true;
        }
        catch (Exception) when (!cancellationToken.IsCancellationRequested)
        {
            return false;
        }
        finally
        {
            await limit.CancelAsync().ConfigureAwait(false);
            await probe.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static readonly TimeSpan LongestTimer = TimeSpan.FromDays(20);

    private static TimeSpan Longest(TimeSpan a, TimeSpan b, TimeSpan c) => TimeSpan.FromTicks(Math.Max(a.Ticks, Math.Max(b.Ticks, c.Ticks)));

    private sealed class Watch(bool isSet)
    {
        public bool IsSet { get; set; } = isSet;
    }

    private sealed class Events(ConnectionLoop loop, CancellationTokenSource letGo) : IHubEvents
    {
        public void Received(object item) => loop.Receive(item, letGo);

        public void CountsReceived(InboxChanged counts) => loop.Owner.CountsReceived(counts);

        public void Reauthenticated() => loop.Owner.Reauthenticated();

        public void PresenceReceived(PresenceChanged presence) => loop.Owner.PresenceReceived(presence);

        public void SubscriptionsReceived(SubscriptionsChanged subscriptions) => loop.Owner.SubscriptionsReceived(subscriptions);
    }

    private ILoopOwner Owner => owner;

    private static partial class Log
    {
        [LoggerMessage(9001, LogLevel.Information, "The connection closed; the client reconnects.")]
        public static partial void Closed(ILogger logger, Exception? error);

        [LoggerMessage(9002, LogLevel.Warning, "The client is not connected: {Why} It tries again until {Address} or another address answers.")]
        public static partial void FirstFailure(ILogger logger, string why, string address, Exception? error);

        [LoggerMessage(9003, LogLevel.Error, "The service rejected this client permanently ({Code}): {Why} The client does not try again.")]
        public static partial void Refused(ILogger logger, string? code, string why);

        [LoggerMessage(9005, LogLevel.Information, "The client is not connected: {Why} Attempt {Attempt} failed; it tries again.")]
        public static partial void Failed(ILogger logger, string why, int attempt, Exception? error);

        [LoggerMessage(9006, LogLevel.Warning, "The token could not be renewed; the client tries again until the token expires.")]
        public static partial void NotRenewed(ILogger logger, Exception error);

        [LoggerMessage(9007, LogLevel.Information, "The first address {Address} answers again; the client goes back to it.")]
        public static partial void Returning(ILogger logger, string address);

        [LoggerMessage(9004, LogLevel.Warning, "Version {Version} arrived twice; the second copy was dropped.")]
        public static partial void Duplicate(ILogger logger, long version);
    }
}

/// <summary>The client, as its loop sees it.</summary>
internal interface ILoopOwner
{
    void Enter(NotifyClientState state);

    /// <summary>A connection has resumed: what lives with a connection begins again.</summary>
    Task ResumedAsync(HubSession session, CancellationToken cancellationToken);

    void CountsReceived(InboxChanged counts);

    void Reauthenticated();

    void PresenceReceived(PresenceChanged presence);

    void SubscriptionsReceived(SubscriptionsChanged subscriptions);
}
