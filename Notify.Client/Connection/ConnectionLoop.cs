using System.Net;
using Microsoft.Extensions.Logging;
using Notify.Contracts;
using Notify.Contracts.Hub;

namespace Notify.Client.Connection;

/// <summary>Connects, resumes, hands over what comes, and begins again, until it is stopped or refused for good.</summary>
internal sealed partial class ConnectionLoop(
    NotifyClientOptions options,
    DeliveryBuffer buffer,
    FollowedTopics topics,
    SemaphoreSlim calls,
    ILogger logger,
    Action<NotifyClientState> stateChanged)
{
    private readonly TaskCompletionSource _started = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Backoff _backoff = new(TimeSpan.FromMilliseconds(500), options.MaxReconnectDelay);
    private Place _place = new(null);
    private volatile HubSession? _current;
    private long _duplicates;

    /// <summary>Completes with the first answer to Resume; fails with what refuses the client for good.</summary>
    public Task Started => _started.Task;

    /// <summary>The connection that has resumed; null without one.</summary>
    public HubSession? Current => _current;

    public NotifyClientState State { get; private set; }

    public long DuplicatesDropped => Interlocked.Read(ref _duplicates);

    public async Task RunAsync(Cursor? start, CancellationToken stopping)
    {
        _place = new Place(start);
        try
        {
            while (true)
            {
                await OnceAsync(stopping);
                if (!buffer.RoomAsync(stopping).IsCompleted)
                {
                    Enter(NotifyClientState.ReaderBehind);
                    await buffer.RoomAsync(stopping);
                    _backoff.Reset();
                }

                await Task.Delay(_backoff.Next(), options.TimeProvider, stopping);
            }
        }
        catch (Exception) when (stopping.IsCancellationRequested)
        {
            _started.TrySetCanceled(stopping);
        }
        catch (NotifyException e)
        {
            Log.Refused(logger, e.Code);
            _started.TrySetException(e);
            buffer.Complete(e);
        }
        finally
        {
            Enter(NotifyClientState.Stopped);
        }
    }

    // One connection, from start to close. Returns when it makes sense to try again, throws when not.
    private async Task OnceAsync(CancellationToken stopping)
    {
        Enter(NotifyClientState.Connecting);
        using var letGo = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        await using var session = new HubSession(options, item => Receive(item, letGo));
        try
        {
            await session.StartAsync(letGo.Token);
            await ResumeAsync(session, letGo.Token);
            var error = await session.Closed.WaitAsync(letGo.Token);
            Log.Closed(logger, error);
        }
        catch (Exception e) when (!stopping.IsCancellationRequested && !IsFinal(e))
        {
            // A failed attempt, a connection lost during Resume, or a reader that is behind: all mean "again".
            Log.Failed(logger, e);
        }
        catch (HttpRequestException e) when (!stopping.IsCancellationRequested)
        {
            throw new NotifyException(CodeOf(e.StatusCode), $"The service answered {(int?)e.StatusCode} to the connection.", e.StatusCode, e);
        }
        finally
        {
            _current = null;
        }
    }

    private async Task ResumeAsync(HubSession session, CancellationToken cancellationToken)
    {
        await calls.WaitAsync(cancellationToken);
        try
        {
            var request = new ResumeRequest { Since = _place.Since, Epoch = _place.Epoch, Topics = topics.Snapshot() };
            Enter(NotifyClientState.CatchingUp);
            await session.ResumeAsync(request, _place.Resumed, cancellationToken);
            _current = session;
            _started.TrySetResult();
        }
        finally
        {
            calls.Release();
        }
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
            Log.Duplicate(logger, version);
            return;
        }

        if (item is Gap gap) _place.Skipped(gap);
        else if (item is CaughtUp caughtUp) _place.Reached(caughtUp.Head, caughtUp.Epoch);
        else if (item is Progress progress) _place.Reached(progress.Version, progress.Epoch);

        var after = item is Notification { Version: null } ? null : _place.Cursor;
        if (!buffer.TryAdd(new Delivery(item as Notification, item as Notification is null ? item : null, after)))
        {
            _place = new Place(before is (long since, string epoch) ? new Cursor(since, epoch) : null);
            _ = letGo.CancelAsync(); // elsewhere: this thread is the connection's own
        }
        else if (item is CaughtUp)
        {
            // Not at Resume: a service that takes the call and then closes would be asked again without any wait.
            _backoff.Reset();
            Enter(NotifyClientState.Live);
        }
    }

    private bool IsFinal(Exception e) => e switch
    {
        // Before the first success it is most likely the address or the token that is wrong, and the caller should hear
        // of it; afterwards it is a deployment under way or a token provider that has a bad minute.
        NotifyException { Code: ErrorCodes.Unauthenticated } => !_started.Task.IsCompleted,
        HttpRequestException { StatusCode: HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden or HttpStatusCode.NotFound } =>
            !_started.Task.IsCompleted,
        NotifyException refusal => refusal.Code is not null && !refusal.IsTransient,
        _ => false,
    };

    private static string? CodeOf(HttpStatusCode? status) => status switch
    {
        HttpStatusCode.Unauthorized => ErrorCodes.Unauthenticated,
        HttpStatusCode.Forbidden => ErrorCodes.Forbidden,
        HttpStatusCode.NotFound => ErrorCodes.NotFound,
        _ => null,
    };

    private void Enter(NotifyClientState state)
    {
        if (State == state) return;
        State = state;
        stateChanged(state);
    }

    private static partial class Log
    {
        [LoggerMessage(9001, LogLevel.Information, "The connection closed")]
        public static partial void Closed(ILogger logger, Exception? error);

        [LoggerMessage(9002, LogLevel.Information, "The connection failed or the server closed it; the client reconnects.")]
        public static partial void Failed(ILogger logger, Exception error);

        [LoggerMessage(9003, LogLevel.Error, "The service rejected this client permanently: {Code}")]
        public static partial void Refused(ILogger logger, string? code);

        [LoggerMessage(9004, LogLevel.Warning, "Version {Version} arrived twice; the second copy was dropped.")]
        public static partial void Duplicate(ILogger logger, long version);
    }
}
