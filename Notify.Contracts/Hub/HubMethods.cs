namespace Notify.Contracts.Hub;

/// <summary>What a client calls on the hub, and where the hub is.</summary>
public static class HubMethods
{
    /// <summary>The path of the hub.</summary>
    public const string Path = "/hubs/notifications";

    /// <summary>The first call on every connection, once: <see cref="ResumeRequest"/> to <see cref="ResumeResult"/>.</summary>
    public const string Resume = "Resume";

    /// <summary>Follows more filters: <see cref="SubscribeRequest"/> to <see cref="SubscribeResult"/>.</summary>
    public const string Subscribe = "Subscribe";

    /// <summary>Follows fewer: <see cref="UnsubscribeRequest"/> to <see cref="UnsubscribeResult"/>.</summary>
    public const string Unsubscribe = "Unsubscribe";

    /// <summary>Publishes as <c>POST /api/v1/notifications</c> does.</summary>
    public const string Publish = "Publish";

    /// <summary>A fresh token for the same user: <see cref="ReauthenticateRequest"/> to <see cref="ReauthenticateResult"/>.</summary>
    public const string Reauthenticate = "Reauthenticate";

    /// <summary>The device has everything up to a version: <see cref="AckRequest"/>.</summary>
    public const string Ack = "Ack";

    /// <summary>What the user says of itself: <see cref="SetAttributesRequest"/> to <see cref="SetAttributesResult"/>.</summary>
    public const string SetAttributes = "SetAttributes";

    /// <summary>Joins static groups: <see cref="GroupsRequest"/> to <see cref="GroupsResult"/>.</summary>
    public const string JoinGroups = "JoinGroups";

    /// <summary>Leaves static groups: <see cref="GroupsRequest"/> to <see cref="GroupsResult"/>.</summary>
    public const string LeaveGroups = "LeaveGroups";

    /// <summary>
    /// Tells how many people follow topics, now and when it changes: <see cref="WatchPresenceRequest"/> to
    /// <see cref="WatchPresenceResult"/>.
    /// </summary>
    public const string WatchPresence = "WatchPresence";

    /// <summary>No longer: <see cref="WatchPresenceRequest"/> to <see cref="WatchPresenceResult"/>.</summary>
    public const string UnwatchPresence = "UnwatchPresence";
}

/// <summary>What the hub calls on a client.</summary>
public static class ClientMethods
{
    /// <summary>One stored or ephemeral notification: <see cref="Contracts.Notification"/>.</summary>
    public const string Notification = "Notification";

    /// <summary>Once after a Resume's replay: <see cref="Hub.CaughtUp"/>.</summary>
    public const string CaughtUp = "CaughtUp";

    /// <summary>The connection has everything up to here: <see cref="Hub.Progress"/>.</summary>
    public const string Progress = "Progress";

    /// <summary>Versions are missing before what follows: <see cref="Hub.Gap"/>.</summary>
    public const string Gap = "Gap";

    /// <summary>What the user follows on every device has changed: <see cref="Hub.SubscriptionsChanged"/>.</summary>
    public const string SubscriptionsChanged = "SubscriptionsChanged";

    /// <summary>The counts of the user's inbox: <see cref="Hub.InboxChanged"/>.</summary>
    public const string InboxChanged = "InboxChanged";

    /// <summary>People came to or left a watched topic: <see cref="PresenceChanged"/>.</summary>
    public const string Presence = "Presence";
}
