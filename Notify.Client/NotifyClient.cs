using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Notify.Client.Api;
using Notify.Client.Connection;
using Notify.Client.Handling;
using Notify.Client.Observability;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;
using Notify.Contracts.Wire;

namespace Notify.Client;

/// <summary>
/// Follows topics: every notification once and in version order, through reconnects and restarts.
/// <code>
/// await using var client = new NotifyClient(new() { Url = new("http://localhost:5080"), Topics = ["orders/#"] });
/// await client.StartAsync();
/// await foreach (var notification in client.Notifications) Show(notification);
/// </code>
/// It connects, resumes at its cursor, and when the connection goes it comes back, for ever. A notification counts as
/// handled when the handlers (<see cref="On(string, Func{Notification, CancellationToken, Task}, HandlerOptions?)"/>) are done with it
/// and the reader asks for the next one; only then does the saved cursor move, so a process that dies while handling one gets that
/// one again.
/// </summary>
public sealed class NotifyClient : IAsyncDisposable
{
    private readonly NotifyClientOptions _options;
    private readonly ILogger _logger;
    private readonly CursorKeeper _cursor;
    private readonly FollowedTopics _topics;
    private readonly Addresses _addresses;
    private readonly Tokens _tokens;
    private readonly HttpClient _http;
    private readonly Handlers _handlers;
    private readonly DeliveryReader _reader;
    private readonly Acknowledger? _acknowledger;
    private readonly HashSet<string> _watched = new(StringComparer.Ordinal);
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _calls = new(1, 1);
    private readonly SemaphoreSlim _starting = new(1, 1);
    private readonly SemaphoreSlim _marks = new(1, 1);
    private DeliveryBuffer _buffer;
    private ConnectionLoop _loop;
    private Task? _running;
    private CancellationTokenSource? _runStops;
    private bool _told;

    /// <summary>Makes a client; nothing connects before <see cref="StartAsync"/>.</summary>
    /// <exception cref="ArgumentException">An option is out of its range.</exception>
    /// <exception cref="NotifyException"><c>invalid_filter</c>: one of the topics is no filter.</exception>
    public NotifyClient(NotifyClientOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        options.Validate();
        _options = options;
        _logger = (options.LoggerFactory ?? NullLoggerFactory.Instance).CreateLogger<NotifyClient>();
        _cursor = new CursorKeeper(options.CursorStore ?? new MemoryCursorStore(), options.CursorSaveInterval, options.TimeProvider);
        _topics = new FollowedTopics(options.Topics);
        _addresses = new Addresses(options.AllAddresses, options.MaxReconnectDelay, options.TimeProvider);
        _tokens = new Tokens(options.AccessTokenProvider, options.Timeout, options.TimeProvider);
        _handlers = new Handlers(options.TimeProvider, _logger, failure => HandlerFailed?.Invoke(failure));
        (_buffer, _loop, _running) = MakeLoop();
        _reader = new DeliveryReader(() => _buffer, _handlers, _cursor, new Owner(this), _stopping.Token);
        if (options is { Device: not null, Acknowledge: true })
            _acknowledger = new Acknowledger(() => _loop.Current, options.CursorSaveInterval, options.TimeProvider, _logger);
        _http = RestClient.Make(options);
        Api = new NotifyApi(new RestCalls(_http, () =>
            _addresses.Current, _tokens, RestCalls.Query(("user", options.User), ("device", options.Device)), options.Timeout, options.TimeProvider));
        Inbox = new NotifyInbox(Api.Me, () => options.Inbox && _loop.Current is not null, _marks);
    }

    /// <summary>Versions will not come: they are older than what the service keeps, or the log is another one. Raised by the reader, in its order.</summary>
    public event Action<Gap>? GapFound;

    /// <summary>What was missed has been handled. Raised by the reader, after each connection's replay.</summary>
    public event Action<CaughtUp>? CaughtUp;

    /// <summary>The state is another one. Raised by the connection; do not block in it.</summary>
    public event Action<NotifyClientState>? StateChanged;

    /// <summary>A handler failed; what happens next is its <see cref="HandlerOptions"/>' to say.</summary>
    public event Action<HandlerFailure>? HandlerFailed;

    /// <summary>Users came to or left a topic of <see cref="WatchPresenceAsync"/>. Raised by the connection.</summary>
    public event Action<PresenceChanged>? PresenceChanged;

    /// <summary>What the user follows on every device has changed. Raised by the connection.</summary>
    public event Action<SubscriptionsChanged>? SubscriptionsChanged;

    /// <summary>What the client is doing.</summary>
    public NotifyClientState State => States.Current!;

    /// <summary>What the client is doing, from now on: <c>await foreach (var state in client.States)</c>. Ends when the client is closed.</summary>
    public Changes<NotifyClientState> States { get; } = new(new NotifyClientState.Idle());

    /// <summary>The last place that the reader has handled; null before the first answer of the service.</summary>
    public Cursor? Cursor => _cursor.Current;

    /// <summary>How many notifications came a second time and were dropped. Anything but 0 is a bug worth reporting.</summary>
    public long DuplicatesDropped => _loop.DuplicatesDropped;

    /// <summary>The address in use: of the connection, or of the next attempt.</summary>
    public Uri Address => _addresses.Current;

    /// <summary>The user's inbox.</summary>
    public NotifyInbox Inbox { get; }

    /// <summary>The REST calls, at the address in use and with the client's token.</summary>
    public NotifyApi Api { get; }

    /// <summary>
    /// The notifications, for one reader at a time. Ends after <see cref="StopAsync"/> with what was still buffered.
    /// A loop that is left begins again with the notification at which it was left. Where there are handlers too, they are called
    /// first, as the loop asks for the next; without a loop the client calls them by itself.
    /// </summary>
    /// <exception cref="NotifyException">The service refuses this client for good, such as <c>forbidden</c> for a filter.</exception>
    public IAsyncEnumerable<Notification> Notifications => _reader.ReadAsync();

    /// <summary>
    /// Connects, trying again until it succeeds or <paramref name="cancellationToken"/> says otherwise, and completes
    /// when the service has answered the first Resume. After <see cref="NotifyClientState.Failed"/> it begins anew; called while the
    /// client runs, it waits for the same answer.
    /// </summary>
    /// <exception cref="NotifyException">Refused: not allowed in, no such service at this address, or a filter not granted.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        ObjectDisposedException.ThrowIf(_stopping.IsCancellationRequested, this);
        await _starting.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (State is NotifyClientState.Failed && _running is not null)
            {
                // What ended with the failure has ended before the next begins.
                await _running.ConfigureAwait(false);
                await _reader.OwnEnded.ConfigureAwait(false);
                (_buffer, _loop, _running) = MakeLoop();
            }

            if (_running is null)
            {
                if (_cursor.Current is null) await _cursor.LoadAsync(cancellationToken).ConfigureAwait(false);
                Enter(new NotifyClientState.Connecting());
                _runStops = CancellationTokenSource.CreateLinkedTokenSource(_stopping.Token);
                _running = _loop.RunAsync(_cursor.Current, _runStops.Token);
            }
        }
        finally
        {
            _starting.Release();
        }

        _reader.Start();
        try
        {
            await _loop.Started.WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (cancellationToken.IsCancellationRequested)
        {
            var why = (State as NotifyClientState.Retrying)?.Why;
            await StopAsync().ConfigureAwait(false);
            if (why is not null) throw new OperationCanceledException($"Not connected in time: {why.Message}", why, cancellationToken);
            throw new OperationCanceledException(e.Message, e, cancellationToken);
        }
    }

    /// <summary>Lets the connection go and does not come back. The reader still gets what is buffered.</summary>
    public async Task StopAsync()
    {
        if (_acknowledger is not null && !_stopping.IsCancellationRequested) await _acknowledger.FlushAsync(_stopping.Token).ConfigureAwait(false);
        await _stopping.CancelAsync().ConfigureAwait(false);
        if (_running is not null) await _running.ConfigureAwait(false);
        _buffer.Complete();
        await _reader.OwnEnded.ConfigureAwait(false);
        if (State is not NotifyClientState.Failed) Enter(new NotifyClientState.Closed());
        States.End();
    }

    /// <summary>Calls a handler for every notification of the topics that the filter matches and the client follows.</summary>
    /// <param name="filter">Which of the client's notifications; the client follows what its own topics say.</param>
    /// <param name="handler">One call at a time. It is done when its task is.</param>
    /// <param name="options">What happens when it throws; null: it is called again until it succeeds.</param>
    /// <returns>Disposed of, the handler is called no longer.</returns>
    public IDisposable On(string filter, Func<Notification, CancellationToken, Task> handler, HandlerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(handler);
        var registration = _handlers.Add(filter, options, handler);
        if (_running is not null) _reader.Start();
        return registration;
    }

    /// <summary>
    /// Calls a handler with <c>data</c> read as <typeparamref name="T"/>:
    /// <code>client.On&lt;OrderPaid&gt;("orders/+/paid", async (notification, order, token) => await Book(order, token));</code>
    /// </summary>
    /// <typeparam name="T">What <c>data</c> is; names in camelCase.</typeparam>
    /// <inheritdoc cref="On(string, Func{Notification, CancellationToken, Task}, HandlerOptions?)"/>
    [RequiresUnreferencedCode("Reads T by reflection; trimmed programs give a JsonTypeInfo.")]
    [RequiresDynamicCode("Reads T by reflection; native programs give a JsonTypeInfo.")]
    public IDisposable On<T>(string filter, Func<Notification, T, CancellationToken, Task> handler, HandlerOptions? options = null) =>
        On(filter, (JsonTypeInfo<T>)NotifyJson.Options.GetTypeInfo(typeof(T)), handler, options);

    /// <summary>
    /// Calls a handler with <c>data</c> read by a source-generated <see cref="JsonTypeInfo{T}"/>, for programs that are trimmed or native:
    /// <code>client.On("orders/+/paid", ShopJson.Default.OrderPaid, (notification, order, token) => Book(order, token));</code>
    /// </summary>
    /// <typeparam name="T">What <c>data</c> is.</typeparam>
    /// <param name="filter">Which of the client's notifications; the client follows what its own topics say.</param>
    /// <param name="typeInfo">How to read <c>data</c>.</param>
    /// <param name="handler">One call at a time. It is done when its task is.</param>
    /// <param name="options">What happens when it throws, and when <c>data</c> is something else.</param>
    /// <returns>Disposed of, the handler is called no longer.</returns>
    public IDisposable On<T>(string filter, JsonTypeInfo<T> typeInfo, Func<Notification, T, CancellationToken, Task> handler, HandlerOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(typeInfo);
        ArgumentNullException.ThrowIfNull(handler);
        return On(filter, (notification, token) => handler(notification, Read(notification, typeInfo), token), options);
    }

    /// <summary>
    /// Follows more filters, from now on and after every reconnect. Completes when the service has agreed; without a
    /// connection at once, and then they are followed from the place of the next Resume.
    /// </summary>
    /// <exception cref="NotifyException">Refused; nothing has changed.</exception>
    public Task SubscribeAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        var filters = FollowedTopics.Checked(topics);
        return ChangeAsync(
            session => _topics.Missing(filters) is { Count: > 0 } added
                ? session.InvokeAsync<SubscribeResult>(HubMethods.Subscribe, new SubscribeRequest { Topics = added }, cancellationToken)
                : Task.CompletedTask,
            () => _topics.Add(filters),
            cancellationToken);
    }

    /// <summary>Follows filters for the user, on every device, until they are unsubscribed. Needs the connection.</summary>
    /// <exception cref="NotifyException">Refused, or there is no connection.</exception>
    public Task SubscribeDurablyAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        var request = new SubscribeRequest { Topics = FollowedTopics.Checked(topics), Durable = true };
        return CallAsync<SubscribeResult>(HubMethods.Subscribe, request, cancellationToken);
    }

    /// <summary>Follows fewer filters. What is already buffered still comes.</summary>
    public Task UnsubscribeAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        var filters = FollowedTopics.Checked(topics);
        return ChangeAsync(
            session => session.InvokeAsync<UnsubscribeResult>(HubMethods.Unsubscribe, new UnsubscribeRequest { Topics = filters }, cancellationToken),
            () => _topics.Remove(filters),
            cancellationToken);
    }

    /// <summary>
    /// Publishes over the connection, once; completes when it is stored. <see cref="NotifyPublisher"/> repeats by itself
    /// and needs no connection.
    /// </summary>
    /// <exception cref="NotifyException">
    /// Refused, or there is no connection. When <see cref="NotifyException.IsTransient"/>, it may or may not be stored:
    /// repeat it with the same <see cref="PublishRequest.IdempotencyKey"/>.
    /// </exception>
    public Task<PublishResult> PublishAsync(PublishRequest request, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(request);
        return CallAsync<PublishResult>(HubMethods.Publish, request, cancellationToken);
    }

    /// <summary>
    /// Says that this device has everything up to a version. The client says so by itself of what was handled, unless
    /// <see cref="NotifyClientOptions.Acknowledge"/> is false.
    /// </summary>
    /// <param name="version">By default what has been handled.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public async Task AckAsync(long? version = null, CancellationToken cancellationToken = default)
    {
        if ((version ?? Cursor?.Since) is not { } upTo) return;
        await ConnectedAsync(session => DoneAsync(session.AckAsync(upTo, cancellationToken)), cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Joins static groups that the token allows to join; answers all groups of the user.</summary>
    public async Task<IReadOnlyList<string>> JoinGroupsAsync(IEnumerable<string> groups, CancellationToken cancellationToken = default) =>
        (await CallAsync<GroupsResult>(HubMethods.JoinGroups, new GroupsRequest { Groups = [.. groups] }, cancellationToken).ConfigureAwait(false)).Groups;

    /// <summary>Leaves groups; answers those that stay.</summary>
    public async Task<IReadOnlyList<string>> LeaveGroupsAsync(IEnumerable<string> groups, CancellationToken cancellationToken = default) =>
        (await CallAsync<GroupsResult>(HubMethods.LeaveGroups, new GroupsRequest { Groups = [.. groups] }, cancellationToken).ConfigureAwait(false)).Groups;

    /// <summary>Changes what the user says of itself by a JSON merge patch (RFC 7396); answers all of it.</summary>
    public async Task<JsonElement> SetAttributesAsync(JsonElement patch, CancellationToken cancellationToken = default) =>
        (await CallAsync<SetAttributesResult>(HubMethods.SetAttributes, new SetAttributesRequest { Attributes = patch }, cancellationToken)
            .ConfigureAwait(false)).Attributes;

    /// <summary>Tells how many people follow topics, now and, by <see cref="PresenceChanged"/>, when it changes, also after every reconnect.</summary>
    public async Task<IReadOnlyList<PresenceCount>> WatchPresenceAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        string[] names = [.. topics];
        var result = await CallAsync<WatchPresenceResult>(HubMethods.WatchPresence, new WatchPresenceRequest { Topics = names }, cancellationToken)
            .ConfigureAwait(false);
        lock (_watched) _watched.UnionWith(names);
        return result.Topics;
    }

    /// <summary>Watches fewer topics.</summary>
    public Task UnwatchPresenceAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default)
    {
        string[] names = [.. topics];
        lock (_watched) _watched.ExceptWith(names);
        return _loop.Current is null
            ? Task.CompletedTask
            : CallAsync<WatchPresenceResult>(HubMethods.UnwatchPresence, new WatchPresenceRequest { Topics = names }, cancellationToken);
    }

    /// <summary>Stops and saves the cursor.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        await _cursor.FlushAsync().ConfigureAwait(false);
        _http.Dispose();
        _tokens.Dispose();
    }

    // ---- reading ----

    // What the loop itself threw is told already. A handler that stops the client, or a store that cannot save, is not.
    private async Task FailAsync(Exception e)
    {
        if (State is NotifyClientState.Failed) return;
        var why = e as NotifyException ?? new NotifyException(null, e.Message, null, e) { Failure = NotifyFailure.Permanent };
        NotifyClientLog.Stopped(_logger, why.Message, e);
        Enter(new NotifyClientState.Failed(why));
        await _runStops!.CancelAsync().ConfigureAwait(false);
    }

    private void Raise(object? signal)
    {
        if (signal is Gap gap) GapFound?.Invoke(gap);
        else if (signal is CaughtUp caughtUp) CaughtUp?.Invoke(caughtUp);
    }

    private static T Read<T>(Notification notification, JsonTypeInfo<T> typeInfo)
    {
        try
        {
            var data = notification.Data ?? throw new JsonException("There is no data.");
            return data.Deserialize(typeInfo) ?? throw new JsonException("The data is null.");
        }
        catch (JsonException e)
        {
            throw new UnreadableDataException(e);
        }
    }

    // ---- the connection ----

    private (DeliveryBuffer Buffer, ConnectionLoop Loop, Task? Running) MakeLoop()
    {
        var buffer = new DeliveryBuffer(_options.BufferSize);
        return (buffer, new ConnectionLoop(_options, new LoopParts(buffer, _topics, _addresses, _tokens, _calls, _logger), new Owner(this)), null);
    }

    private void Enter(NotifyClientState state)
    {
        if (State is NotifyClientState.Closed || State == state) return;
        if (_stopping.IsCancellationRequested && state is not NotifyClientState.Closed) return;
        States.Set(state);
        TellWithoutLogger(state);
        try
        {
            StateChanged?.Invoke(state);
        }
        catch (Exception e)
        {
            NotifyClientLog.HandlerOfStates(_logger, e);
        }
    }

    private void TellWithoutLogger(NotifyClientState state)
    {
        if (_told || state is not NotifyClientState.Retrying retrying) return;
        _told = true;
        if (_options.LoggerFactory is null && StateChanged is null && !States.IsObserved)
            Console.Error.WriteLine($"Notify: {retrying.Why.Message} Trying again.");
    }

    private async Task ResumedAsync(HubSession session, CancellationToken cancellationToken)
    {
        string[] watched;
        lock (_watched) watched = [.. _watched];
        if (watched.Length > 0)
        {
            try
            {
                var result =
                    await session.InvokeAsync<WatchPresenceResult>(HubMethods.WatchPresence, new WatchPresenceRequest { Topics = watched }, cancellationToken)
                    .ConfigureAwait(false);
                foreach (var topic in result.Topics) PresenceChanged?.Invoke(new PresenceChanged(topic.Topic, topic.Count));
            }
            catch (NotifyException e)
            {
                NotifyClientLog.NotWatched(_logger, e);
            }
        }

        _acknowledger?.Resumed(_stopping.Token);
    }

    private Task<T> CallAsync<T>(string method, object request, CancellationToken cancellationToken) =>
        ConnectedAsync(session => session.InvokeAsync<T>(method, request, cancellationToken), cancellationToken);

    private async Task<T> ConnectedAsync<T>(Func<HubSession, Task<T>> call, CancellationToken cancellationToken)
    {
        var session = _loop.Current ?? throw new NotifyException(null, "There is no connection at the moment.");
        try
        {
            return await call(session).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not NotifyException && !cancellationToken.IsCancellationRequested)
        {
            throw new NotifyException(null, "The connection went before the answer came.", null, e);
        }
    }

    private static async Task<bool> DoneAsync(Task task)
    {
        await task.ConfigureAwait(false);
        return true;
    }

    // One lock for Resume and for what changes the filters: else a filter added while Resume is on its way would be in
    // neither. A call that dies with its connection is not a refusal: the next Resume carries the change.
    private async Task ChangeAsync(Func<HubSession, Task> call, Action remember, CancellationToken cancellationToken)
    {
        await _calls.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (_loop.Current is { } session) await call(session).ConfigureAwait(false);
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

    private sealed class Owner(NotifyClient client) : ILoopOwner, IReaderOwner
    {
        public void Enter(NotifyClientState state) => client.Enter(state);

        public Task ResumedAsync(HubSession session, CancellationToken cancellationToken) => client.ResumedAsync(session, cancellationToken);

        public void CountsReceived(InboxChanged counts) => client.Inbox.Received(counts);

        public void Reauthenticated() => client.Inbox.Drop();

        public void PresenceReceived(PresenceChanged presence) => client.PresenceChanged?.Invoke(presence);

        public void SubscriptionsReceived(SubscriptionsChanged subscriptions) => client.SubscriptionsChanged?.Invoke(subscriptions);

        public void Raise(object? signal) => client.Raise(signal);

        public void Moved(Cursor cursor) => client._acknowledger?.Moved(cursor.Since, client._stopping.Token);

        public Task FailAsync(Exception error) => client.FailAsync(error);
    }
}

internal static partial class NotifyClientLog
{
    [LoggerMessage(9008, LogLevel.Error, "The client stops: {Why} A client that starts with the same cursor gets the notification again.")]
    public static partial void Stopped(ILogger logger, string why, Exception error);

    [LoggerMessage(9009, LogLevel.Warning, "A handler of StateChanged failed; the client goes on.")]
    public static partial void HandlerOfStates(ILogger logger, Exception error);

    [LoggerMessage(9010, LogLevel.Warning, "The service refused to watch presence on this connection; the next connection asks again.")]
    public static partial void NotWatched(ILogger logger, Exception error);
}
