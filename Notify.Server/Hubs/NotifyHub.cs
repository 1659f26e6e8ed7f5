using Microsoft.AspNetCore.SignalR;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;
using Notify.Contracts.Topics;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Engine.Inbox;
using Notify.Engine.Presence;
using Notify.Engine.Publishing;
using Notify.Server.Authentication;
using Notify.Server.Security;
using Notify.Storage.Log;

namespace Notify.Server.Hubs;

/// <summary>
/// The wire of hub calls: reads what the client says, hands it to its session, and turns refusals into hub errors.
/// </summary>
internal sealed class NotifyHub(
    Resumption resumption, FilterReader filterReader, PublishFront publishing, OwnChanges own, AttributeRate attributeRate, RequestRate rate,
        Authenticator authenticator, LiveCallers live,
    InboxSignals inbox, PresenceWatching presence) : Hub
{
    private static readonly Refusal NoUser = new(ErrorCodes.Forbidden, "This connection has no user to show a fresh token for. Open a new connection.");
    private static readonly Refusal OtherUser = new(ErrorCodes.Forbidden, "The token is another user's. Open a new connection for another user.");

    private DeliverySession? _toStart;

    private DeliverySession Session => Feature<DeliverySession>();

    private Caller Caller => Feature<LiveCaller>().Current;

    /// <summary>The first call on every connection: where the client is, and what it follows here.</summary>
    public async Task<ResumeResult> Resume(ResumeRequest request)
    {
        var session = Session;
        try
        {
            var (result, refusal) = await resumption.ResumeAsync(session, request, SessionAccess.Of(Caller), Context.ConnectionAborted);
            if (result is null) throw Error(refusal!);
            _toStart = session;
            if (request.Inbox) inbox.Watch(session, Caller.Grants.MaySubscribe);
            return result;
        }
        catch (StorageUnavailableException)
        {
            // A client must not stay connected but receive nothing: it reconnects, to this node or another.
            session.Sink.CloseForReconnect();
            throw Error(new Refusal(ErrorCodes.StorageUnavailable, "The log cannot be read now. The connection is closed; come back in a moment."));
        }
    }

    /// <summary>Follows more: for this connection, or durably for the user on every device.</summary>
    public async Task<SubscribeResult> Subscribe(SubscribeRequest request)
    {
        var session = Resumed();
        if (request.Durable)
        {
            var (entry, refused) = await own.SubscribeAsync(Caller, request.Topics, Context.ConnectionAborted);
            return refused is null ? new SubscribeResult(entry, session.Topics) : throw Error(refused);
        }

        if (filterReader.Read(request.Topics, out var filters) is { } refusal) throw Error(refusal);
        if (AccessRules.Follow(Caller, filters) is { } forbidden) throw Error(forbidden);
        return session.TrySubscribe(filters, out var head, out var topics)
            ? new SubscribeResult(head, topics)
            : throw Error(filterReader.TooMany);
    }

    /// <summary>Follows less: at once on this connection, and for the user where a filter is durable.</summary>
    public async Task<UnsubscribeResult> Unsubscribe(UnsubscribeRequest request)
    {
        var session = Resumed();
        if (filterReader.Read(request.Topics, out var filters) is { } refusal) throw Error(refusal);
        var left = session.Unsubscribe(filters);
        return await own.UnsubscribeAsync(Caller, filters, Context.ConnectionAborted) is { } refused ? throw Error(refused) : new UnsubscribeResult(left);
    }

    /// <summary>This device has everything up to a version.</summary>
    public void Ack(AckRequest request)
    {
        if (own.Acknowledge(Resumed(), request.Version) is { } refusal) throw Error(refusal);
    }

    /// <summary>Joins static groups, durably.</summary>
    public Task<GroupsResult> JoinGroups(GroupsRequest request) => ChangeGroupsAsync(request, join: true);

    /// <summary>Leaves static groups.</summary>
    public Task<GroupsResult> LeaveGroups(GroupsRequest request) => ChangeGroupsAsync(request, join: false);

    /// <summary>What the user says of itself; also before Resume.</summary>
    public async Task<SetAttributesResult> SetAttributes(SetAttributesRequest request)
    {
        if (attributeRate.CheckConnection(Context.ConnectionId) is { } tooMany) throw Error(tooMany);
        var (self, refusal) = await own.SetAttributesAsync(Caller, request.Attributes, Context.ConnectionAborted);
        return refusal is null ? new SetAttributesResult(self) : throw Error(refusal);
    }

    /// <summary>Tells how many people follow topics, now and whenever it changes.</summary>
    public async Task<WatchPresenceResult> WatchPresence(WatchPresenceRequest request)
    {
        var session = Resumed();
        var (topics, refusal) = await presence.WatchAsync(session, TopicsToWatch(request, mustBeGranted: true), Context.ConnectionAborted);
        if (topics is null) throw Error(refusal!);
        presence.Cover(session, Caller.Grants.MaySubscribe); // a token that came meanwhile may cover less
        return new WatchPresenceResult(topics);
    }

    /// <summary>Tells no longer.</summary>
    public WatchPresenceResult UnwatchPresence(WatchPresenceRequest request) => new(presence.Unwatch(Resumed(), TopicsToWatch(request, mustBeGranted: false)));

    /// <summary>A client that closes its connection leaves at once; one that breaks off, or was asked to go elsewhere, is waited for.</summary>
    public override Task OnDisconnectedAsync(Exception? exception)
    {
        var session = Session;
        session.LeftInOrder = exception is null && session.Sink is HubConnectionSink { WasAskedToLeave: false };
        return base.OnDisconnectedAsync(exception);
    }

    private List<string> TopicsToWatch(WatchPresenceRequest request, bool mustBeGranted)
    {
        var topics = new List<string>();
        foreach (var topic in request.Topics ?? [])
        {
            if (!TopicName.IsValid(topic, out var problem)) throw Error(new Refusal(ErrorCodes.InvalidTopic, problem));
            if (mustBeGranted && AccessRules.SeePresence(Caller, topic) is { } forbidden) throw Error(forbidden);
            if (!topics.Contains(topic, StringComparer.Ordinal)) topics.Add(topic);
        }

        return topics;
    }

    private async Task<GroupsResult> ChangeGroupsAsync(GroupsRequest request, bool join)
    {
        Resumed();
        var (groups, refusal) = await own.ChangeGroupsAsync(Caller, request.Groups, join, Context.ConnectionAborted);
        return groups is not null ? new GroupsResult(groups) : throw Error(refusal!);
    }

    /// <summary>As <c>POST /api/v1/notifications</c>; also before Resume.</summary>
    public async Task<PublishResult> Publish(PublishRequest request)
    {
        if (rate.Check(Context.GetHttpContext(), Caller) is { } tooMany) throw Error(tooMany);
        return await publishing.PublishAsync(publishing.Prepare(request, new PublishCall(nameof(Publish), Caller)), Context.ConnectionAborted) switch
        {
            PublishOutcome.Accepted accepted => accepted.ToResult(),
            PublishOutcome.Refused refused => throw Error(refused.Refusal),
            var other => throw new NotSupportedException(other.GetType().Name),
        };
    }

    /// <summary>A fresh token of the same user, at any time. What it no longer covers stops with the answer.</summary>
    public async Task<ReauthenticateResult> Reauthenticate(ReauthenticateRequest request)
    {
        var current = Feature<LiveCaller>();
        if (current.Current.User is not { } user) throw Error(NoUser);
        var (fresh, refusal) =
            await authenticator.ReauthenticateAsync(request.Token, current.Current.Device, Context.GetHttpContext()?.Connection.RemoteIpAddress);
        if (fresh is null) throw Error(refusal!);
        if (fresh.User != user) throw Error(OtherUser);

        // First in its place and then looked at again: a revocation finds it there, or is found here.
        var isGood = live.TryReplace(current, fresh);
        var topics = Session.Reauthenticate(SessionAccess.Of(fresh));
        inbox.Cover(Session, fresh.Grants.MaySubscribe);
        presence.Cover(Session, fresh.Grants.MaySubscribe);
        if (isGood) await own.TakeClaimsAsync(fresh);
        if (isGood) return new ReauthenticateResult { ExpiresAt = fresh.Credential.ExpiresAt!.Value, Topics = topics };
        Session.Sink.CloseForReconnect();
        throw Error(new Refusal(ErrorCodes.Unauthenticated, "The credential was revoked. The connection is closed."));
    }

    /// <summary>
    /// SignalR writes the answer to a call and then disposes of the hub: from here on notifications come after the answer
    /// to Resume. (Started inside the method, or in a hub filter, they could overtake it.)
    /// </summary>
    protected override void Dispose(bool disposing)
    {
        _toStart?.Start();
        _toStart = null;
        base.Dispose(disposing);
    }

    private DeliverySession Resumed() => Session is { State: not SessionState.Idle } session
        ? session
        : throw Error(new Refusal(ErrorCodes.InvalidRequest, "Call Resume first: it says where this connection is in the log."));

    private T Feature<T>() =>
        Context.Features.Get<T>() ?? throw new InvalidOperationException("The lifetime manager gives every connection its session and caller.");

    private static HubException Error(Refusal refusal) => HubErrors.Of(refusal);
}
