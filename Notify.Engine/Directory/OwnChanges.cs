using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory.Attributes;
using Notify.Engine.Pacing;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory;

/// <summary>What users change about themselves, by whichever way they call: groups, durable subscriptions, acknowledgements.</summary>
/// <remarks>The right is checked before existence; lists are all or nothing, and repeating a call changes nothing.</remarks>
internal sealed partial class OwnChanges(
    DirectoryWriter writer, INotificationLog log, FilterReader filters, AttributeChanges attributes, Acknowledgements acknowledgements, TimeProvider time,
        ILogger<OwnChanges> logger)
{
    private static readonly TimeSpan ClaimsWithin = TimeSpan.FromSeconds(2);

    private readonly Occasionally _logClaims = new(time, TimeSpan.FromMinutes(1));

    private static readonly Refusal NoUser = new(
        ErrorCodes.InvalidRequest,
            "This connection has no user: show a token whose 'sub' is a user id. Groups, durable subscriptions and attributes are a user's.");

    private static readonly Refusal NoDevice = new(
        ErrorCodes.InvalidRequest, "Ack is a device's of a user: connect with a token whose 'sub' is a user id, and '?device=' in the address.");

    /// <summary>Joins or leaves static groups; the names of all groups that the user is in then.</summary>
    public async Task<(IReadOnlyList<string>? Groups, Refusal? Refusal)> ChangeGroupsAsync(
        Caller caller, IReadOnlyList<string>? groups, bool join, CancellationToken cancellationToken)
    {
        if (caller.User is not { } user) return (null, NoUser);
        if (Names(groups, out var names) is { } problem) return (null, problem);
        foreach (var name in names)
        {
            if (AccessRules.Join(caller, name) is { } forbidden) return (null, forbidden);
        }

        DirectoryChange change = join ? new DirectoryChange.JoinGroups(user, names) : new DirectoryChange.LeaveGroups(user, names);
        return await writer.MakeAsync(change, cancellationToken) switch
        {
            ChangeAnswer.Refused refused => (null, refused.Refusal),
            _ => (await log.Directory.ListAllGroupsOfAsync(user, cancellationToken), null),
        };
    }

    /// <summary>Subscribes the user durably; the version above which it holds.</summary>
    public async Task<(long Head, Refusal? Refusal)> SubscribeAsync(Caller caller, IReadOnlyList<string>? topics, CancellationToken cancellationToken)
    {
        if (caller.User is not { } user) return (0, NoUser);
        if (filters.Read(topics, out var read) is { } problem) return (0, problem);
        if (AccessRules.Follow(caller, read) is { } forbidden) return (0, forbidden);
        return await writer.MakeAsync(new DirectoryChange.Subscribe(user, [.. read.Select(filter => filter.Text)]), cancellationToken) switch
        {
            ChangeAnswer.Made made => (made.Outcome.Version > 0 ? made.Outcome.Version : made.Head, null),
            ChangeAnswer.Refused refused => (0, refused.Refusal),
            var other => throw new NotSupportedException(other.GetType().Name),
        };
    }

    /// <summary>Ends durable subscriptions; those that are none are passed over. A caller without a user has none.</summary>
    public async Task<Refusal?> UnsubscribeAsync(Caller caller, IReadOnlyList<TopicFilter> ended, CancellationToken cancellationToken)
    {
        if (caller.User is not { } user || ended.Count == 0) return null;
        return await writer.MakeAsync(new DirectoryChange.Unsubscribe(user, [.. ended.Select(filter => filter.Text)]),
            cancellationToken) is ChangeAnswer.Refused refused
            ? refused.Refusal
            : null;
    }

    /// <summary>The session's device has everything up to this version; stored within a second.</summary>
    public Refusal? Acknowledge(DeliverySession session, long? version)
    {
        if (session.User is null || session.Device is not { } device) return NoDevice;
        if (version is not { } acknowledged || acknowledged < 0)
            return new Refusal(ErrorCodes.InvalidRequest, "Ack needs 'version': that of the last notification you have handled.");
        if (!session.MayAcknowledge(acknowledged, out var epoch))
            return new Refusal(ErrorCodes.InvalidRequest,
                $"This connection was not sent version {acknowledged}, and has not passed it. Acknowledge what was received.");
        acknowledgements.Add(new Acknowledgement(session.UserNumber, device, epoch, acknowledged));
        return null;
    }

    /// <summary>Merges a patch into what the user says of itself; all of that afterwards.</summary>
    public async Task<(JsonElement Self, Refusal? Refusal)> SetAttributesAsync(Caller caller, JsonElement? patch, CancellationToken cancellationToken)
    {
        if (caller.User is not { } user) return (default, NoUser);
        if (AccessRules.ChangeUser(caller, user) is { } forbidden) return (default, forbidden);
        if (patch is not { } given)
            return (default, new Refusal(ErrorCodes.InvalidRequest, "'attributes' is missing: a JSON merge patch, an object (RFC 7396)."));
        return await attributes.PatchAsync(user, given, AttributesPart.Self, cancellationToken);
    }

    /// <summary>
    /// Takes attributes from the claims of the credential that a user connects with: from one issued later than the last, where they
    /// differ. A connection does not wait for storage that is away: the next one brings them again.
    /// </summary>
    public async Task TakeClaimsAsync(Caller caller)
    {
        if (caller is not { User: { } user, Attributes: { } claims, Credential.IssuedAt: { } issuedAt }) return;
        var taken = TakeClaimsAsync(user, claims, issuedAt);
        await taken.WaitAsync(ClaimsWithin).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        if (taken.IsFaulted) await taken; // a fault of ours, and the connection's end
    }

    // Goes on when the connection no longer waits: that the claims were refused is logged all the same.
    private async Task TakeClaimsAsync(string user, JsonElement claims, DateTimeOffset issuedAt)
    {
        try
        {
            var refusal = await attributes.TakeClaimsAsync(user, claims, issuedAt);
            if (refusal is not null && _logClaims.Now(out var passedOver)) LogClaimsRefused(logger, refusal.Code, passedOver);
        }
        catch (StorageUnavailableException)
        {
        }
    }

    private static Refusal? Names(IReadOnlyList<string>? groups, out List<string> names)
    {
        names = [];
        if (groups is null) return new Refusal(ErrorCodes.InvalidRequest, "'groups' is missing: an array of names of groups.");
        if (groups.Count > ChangeBatch.MostRows) return new Refusal(ErrorCodes.InvalidRequest, $"At most {ChangeBatch.MostRows} groups in one call.");
        foreach (var name in groups)
        {
            if (!TopicName.IsValidId(name, "group", out var problem)) return new Refusal(ErrorCodes.InvalidRequest, problem);
            if (!names.Contains(name, StringComparer.Ordinal)) names.Add(name);
        }

        return null;
    }

    // Neither the user nor the value: the issuer of the token has to correct it, and a log has other readers.
    [LoggerMessage(
        5030, LogLevel.Warning,
        "The claims of a user's token were not taken as attributes ({Code}): they break the limits of attributes. The user keeps those it had; {PassedOver} " +
            "more were passed over since the last line. Look at what Notify:Auth:AttributeClaims names, and at what the issuer puts there.")]
    private static partial void LogClaimsRefused(ILogger logger, string code, long passedOver);
}
