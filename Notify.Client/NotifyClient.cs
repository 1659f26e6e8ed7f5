using System.Runtime.CompilerServices;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Notify.Client.Connection;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;

namespace Notify.Client;

/// <summary>
/// Follows topics: every notification once and in version order, through reconnects and restarts.
/// <code>
/// await using var client = new NotifyClient(new() { Url = new("http://localhost:5080"), Topics = ["orders/#"] });
/// await client.StartAsync();
/// await foreach (var notification in client.Notifications) Show(notification);
/// </code>
/// It connects, resumes at its cursor, and when the connection goes it comes back, for ever. A notification counts as
/// handled when the reader asks for the next one; only then does the saved cursor move, so a process that dies while
/// handling one gets that one again.
/// </summary>
public sealed class NotifyClient : IAsyncDisposable
{
    private readonly NotifyClientOptions _options;
    private readonly DeliveryBuffer _buffer;
    private readonly CursorKeeper _cursor;
    private readonly FollowedTopics _topics;
    private readonly ConnectionLoop _loop;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _calls = new(1, 1);
    private Task? _running;

    /// <summary>Makes a client; nothing connects before <see cref="StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="NotifyException"><c>invalid_filter</c>: one of the topics is no filter.</exception>
    public NotifyClient(NotifyClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _buffer = new DeliveryBuffer(options.BufferSize);
        _cursor = new CursorKeeper(options.CursorStore ?? new MemoryCursorStore(), options.CursorSaveInterval, options.TimeProvider);
        _topics = new FollowedTopics(options.Topics);
        var logger = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger<NotifyClient>();
        _loop = new ConnectionLoop(options, _buffer, _topics, _calls, logger, state => StateChanged?.Invoke(state));
    }

    /// <summary>Versions will not come: they are older than what the service keeps, or the log is another one. Raised by the reader, in its order.</summary>
    public event Action<Gap>? GapFound;

    /// <summary>What was missed has been handled. Raised by the reader, after each connection's replay.</summary>
    public event Action<CaughtUp>? CaughtUp;

    /// <summary>The state is another one. Raised by the connection; do not block in it.</summary>
    public event Action<NotifyClientState>? StateChanged;

    /// <summary>What the client is doing.</summary>
    public NotifyClientState State => _loop.State;

    /// <summary>The last place that the reader has handled; null before the first answer of the service.</summary>
    public Cursor? Cursor => _cursor.Current;

    /// <summary>How many notifications came a second time and were dropped. Anything but 0 is a bug worth reporting.</summary>
    public long DuplicatesDropped => _loop.DuplicatesDropped;

    /// <summary>
    /// The notifications, for one reader at a time. Ends after <see cref="StopAsync"/> with what was still buffered.
    /// A loop that is left begins again with the notification at which it was left.
    /// </summary>
    /// <exception cref="NotifyException">The service refuses this client for good, such as <c>forbidden</c> for a filter.</exception>
    public IAsyncEnumerable<Notification> Notifications => ReadAsync();

    /// <summary>
    /// Connects, trying again until it succeeds or <paramref name="cancellationToken"/> says otherwise, and completes
    /// when the service has answered the first Resume.
    /// </summary>
    /// <exception cref="NotifyException">Refused: not allowed in, no such service at this address, or a filter not granted.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        if (_running is not null) throw new InvalidOperationException("The client has been started already.");
        await _cursor.LoadAsync(cancellationToken);
        _running = _loop.RunAsync(_cursor.Current, _stopping.Token);
        try
        {
            await _loop.Started.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            await StopAsync();
            throw;
        }
    }

    /// <summary>Lets the connection go and does not come back. The reader still gets what is buffered.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        if (_running is not null) await _running;
        _buffer.Complete();
    }

    /// <summary>
    /// Follows more filters, from now on and after every reconnect. Completes when the service has agreed; without a
    /// connection at once, and then they are followed from the place of the next Resume.
    /// </summary>
    /// <exception cref="NotifyException">Refused; nothing has changed.</exception>
    public Task SubscribeAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        var filters = FollowedTopics.Checked(topics);
        return CallAsync(
            session => _topics.Missing(filters) is { Count: > 0 } added ? session.SubscribeAsync(added, cancellationToken) : Task.CompletedTask,
            () => _topics.Add(filters),
            cancellationToken);
    }

    /// <summary>Follows fewer filters. What is already buffered still comes.</summary>
    public Task UnsubscribeAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        var filters = FollowedTopics.Checked(topics);
        return CallAsync(session => session.UnsubscribeAsync(filters, cancellationToken), () => _topics.Remove(filters), cancellationToken);
    }

    /// <summary>
    /// Publishes over the connection, once; completes when it is stored. <see cref="NotifyPublisher"/> repeats by itself
    /// and needs no connection.
    /// </summary>
    /// <exception cref="NotifyException">
    /// Refused, or there is no connection. When <see cref="NotifyException.IsTransient"/>, it may or may not be stored:
    /// repeat it with the same <see cref="PublishRequest.IdempotencyKey"/>.
    /// </exception>
    public async Task<PublishResult> PublishAsync(PublishRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        var session = _loop.Current ?? throw new NotifyException(null, "There is no connection at the moment.");
        try
        {
            return await session.PublishAsync(request, cancellationToken);
        }
        catch (Exception e) when (e is not NotifyException && !cancellationToken.IsCancellationRequested)
        {
            throw new NotifyException(null, "The connection went before the answer came.", null, e);
        }
    }

    /// <summary>Stops and saves the cursor.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        await _cursor.FlushAsync();
    }

    private async IAsyncEnumerable<Notification> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        while (await _buffer.WaitAsync(cancellationToken))
        {
            while (_buffer.Peek() is { } delivery)
            {
                if (delivery.Notification is { } notification) yield return notification;
                else Raise(delivery.Signal);
                // Here the reader has asked for the next one.
                _buffer.Remove();
                if (delivery.After is { } cursor) await _cursor.MoveAsync(cursor, cancellationToken);
            }
        }
    }

    private void Raise(object? signal)
    {
        if (signal is Gap gap) GapFound?.Invoke(gap);
        else if (signal is CaughtUp caughtUp) CaughtUp?.Invoke(caughtUp);
    }

    // One lock for Resume and for what changes the filters: else a filter added while Resume is on its way would be in
    // neither. A call that dies with its connection is not a refusal: the next Resume carries the change.
    private async Task CallAsync(Func<HubSession, Task> call, Action remember, CancellationToken cancellationToken)
    {
        await _calls.WaitAsync(cancellationToken);
        try
        {
            if (_loop.Current is { } session) await call(session);
            remember();
        }
        catch (Exception e) when (e is not NotifyException && !cancellationToken.IsCancellationRequested)
        {
            remember();
        }
        finally
        {
            _calls.Release();
        }
    }
}
