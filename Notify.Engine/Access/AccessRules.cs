using Notify.Contracts;
using Notify.Contracts.Topics;

namespace Notify.Engine.Access;

/// <summary>
/// What a caller may do: the only place that decides. Every way in asks here, for each topic, filter and user that it names;
/// null means yes. Nothing here reads storage or the clock: the credential was checked before there was a caller.
/// </summary>
internal static class AccessRules
{
    private static readonly Refusal NoCredential = new(
        ErrorCodes.Unauthenticated, "Show a credential: 'Authorization: Bearer' with a token or an API key, or the header 'X-Api-Key'.");

    private static readonly Refusal NotAdmin =
        new(ErrorCodes.Forbidden, "This is for administrators: a credential with 'notify_admin' or an API key with 'admin'.");
    private static readonly Refusal OpenToAll = new(
        ErrorCodes.Forbidden,
            "With Notify:Auth:AllowAnonymous alone there are topics only: no users, groups, keys or administration. Configure a key or an authority.");

    private static readonly Refusal NoSuch = new(ErrorCodes.NotFound, "There is no such thing here, or it is not yours to see.");
    private static readonly Refusal NoUser =
        new(ErrorCodes.InvalidRequest, "This caller is no user: the credential has no 'sub' that is a user id, so there is no 'me'.");

    /// <summary>Publishing to a topic, that of a user or a group too.</summary>
    public static Refusal? Publish(Caller caller, string topic) =>
        caller.Grants.MayPublish(topic) ? null : Uncovered(caller, $"Publishing to '{topic}' is not granted.");

    /// <summary>Following a filter, and reading what was stored under it.</summary>
    public static Refusal? Follow(Caller caller, TopicFilter filter) =>
        caller.Grants.MaySubscribe(filter) ? null : Uncovered(caller, $"Following '{filter.Text}' is not granted.");

    /// <summary>Following all of these; one that is not granted refuses all.</summary>
    public static Refusal? Follow(Caller caller, IEnumerable<TopicFilter> filters)
    {
        foreach (var filter in filters)
        {
            if (Follow(caller, filter) is { } refusal) return refusal;
        }

        return null;
    }

    /// <summary>
    /// Being connected at all, or reading what one may see: a caller without a credential and without anonymous grants has no
    /// business here, and says so at once instead of at every filter.
    /// </summary>
    public static Refusal? Enter(Caller caller) =>
        caller is { Kind: CallerKind.Anonymous, Grants.Subscribe.Count: 0, Grants.Publish.Count: 0 } ? NoCredential : null;

    /// <summary>Reading without naming a filter: everything the caller may see, never the system's topics.</summary>
    public static Refusal? ReadAll(Caller caller, out IReadOnlyList<TopicFilter> filters)
    {
        filters = [.. caller.Grants.Subscribe.Where(filter => !TopicName.IsReserved(filter.Text))];
        return filters.Count == 0 && caller.Kind == CallerKind.Anonymous ? NoCredential : null;
    }

    /// <summary>Reading one notification by its id: whether it exists for this caller. Own topic and groups need no grant.</summary>
    public static bool MaySee(Caller caller, string topic)
    {
        if (!TopicName.IsReserved(topic)) return caller.Grants.MayRead(topic);
        if (caller.User is { } user && topic == TopicName.OfUser(user)) return true;
        if (caller.Grants.Groups.Any(group => topic == TopicName.OfGroup(group))) return true;

        // In open Development the query names a user so that one can see what that user sees.
        return caller.Grants.MayRead(topic) && caller is not { Kind: CallerKind.Development, User: not null };
    }

    /// <summary>Asking what the server takes the caller for.</summary>
    public static Refusal? AskForOneself(Caller caller) => caller.Kind switch
    {
        CallerKind.Anonymous => NoCredential,
        CallerKind.Everybody => OpenToAll,
        _ => null,
    };

    /// <summary>Reading what is a user's own.</summary>
    public static Refusal? SeeUser(Caller caller, string user) => NeedsCredential(caller) ?? (IsOwn(caller, user) ? null : NoSuch);

    /// <summary>Changing what is a user's own.</summary>
    public static Refusal? ChangeUser(Caller caller, string user) =>
        NeedsCredential(caller) ?? (IsOwn(caller, user) ? null : new Refusal(ErrorCodes.Forbidden, $"Only the user '{user}' and administrators may do this."));

    /// <summary>Seeing a topic's followers takes the right to follow it, and people there are only where there are users.</summary>
    public static Refusal? SeePresence(Caller caller, string topic) => NeedsCredential(caller) ?? Follow(caller, TopicFilter.Exact(topic));

    /// <summary>Administration that reads: to others it does not exist.</summary>
    public static Refusal? SeeAdministration(Caller caller) => NeedsCredential(caller) ?? (caller.Grants.Admin ? null : NoSuch);

    /// <summary>Administration that changes something.</summary>
    public static Refusal? Administer(Caller caller) => NeedsCredential(caller) ?? (caller.Grants.Admin ? null : NotAdmin);

    /// <summary>Joining or leaving a group by oneself.</summary>
    public static Refusal? Join(Caller caller, string group) =>
        NeedsCredential(caller)
        ?? (caller.User is null ? NoUser : null)
        ?? (caller.Grants.MayJoin(group) ? null : new Refusal(ErrorCodes.Forbidden, $"Joining or leaving the group '{group}' is not granted."));

    /// <summary>The user that a path names: <c>me</c> is the caller's own.</summary>
    public static Refusal? UserOf(Caller caller, string named, out string user)
    {
        user = named;
        if (named != TopicName.Me) return TopicName.IsValidId(named, "user", out var problem) ? null : new Refusal(ErrorCodes.InvalidRequest, problem);
        if (NeedsCredential(caller) is { } refusal) return refusal;
        if (caller.User is null) return NoUser;
        user = caller.User;
        return null;
    }

    private static bool IsOwn(Caller caller, string user) => caller.Grants.Admin || caller.User == user;

    private static Refusal? NeedsCredential(Caller caller) => AskForOneself(caller);

    private static Refusal Uncovered(Caller caller, string detail) =>
        caller.Kind == CallerKind.Anonymous ? NoCredential : new Refusal(ErrorCodes.Forbidden, detail);

}
