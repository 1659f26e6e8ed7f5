using System.Text.Json;
using Notify.Client.Api;
using Notify.Client.Connection;
using Notify.Contracts;
using Notify.Contracts.People;

namespace Notify.Client;

/// <summary>The REST calls, typed. What reads, or says the same again, is repeated a few times where waiting helps.</summary>
public sealed class NotifyApi
{
    private readonly RestCalls _calls;

    /// <summary>Calls by an HTTP client of one's own.</summary>
    /// <param name="http">Its <see cref="HttpClient.BaseAddress"/> is the service's, and its headers carry the token or key. It stays the
    /// caller's to dispose.</param>
    public NotifyApi(HttpClient http)
        : this(new RestCalls(http, () => http.BaseAddress ?? throw new InvalidOperationException("The HTTP client has no BaseAddress."), null, "",
            TimeSpan.FromSeconds(100), TimeProvider.System)) =>
        ArgumentNullException.ThrowIfNull(http);

    internal NotifyApi(RestCalls calls)
    {
        _calls = calls;
        Groups = new GroupCalls(calls);
        Keys = new KeyCalls(calls);
        Me = new UserCalls(calls, "me");
    }

    /// <summary>Groups and their members; for admins.</summary>
    public GroupCalls Groups { get; }

    /// <summary>API keys; for admins.</summary>
    public KeyCalls Keys { get; }

    /// <summary>What is the caller's own.</summary>
    public UserCalls Me { get; }

    /// <summary>What is a user's: the user's own, or an admin's to see.</summary>
    public UserCalls User(string user) => new(_calls, user);

    /// <summary>The caller's identity, and what it may.</summary>
    public Task<CallerIdentity> GetMeAsync(CancellationToken cancellationToken = default) => _calls.GetAsync<CallerIdentity>("users/me", "", cancellationToken);

    /// <summary>A page of stored notifications after <paramref name="since"/>, oldest first.</summary>
    public Task<NotificationPage> ListAsync(IEnumerable<string>? filters = null, long since = 0, int? limit = null,
        CancellationToken cancellationToken = default) =>
        _calls.GetAsync<NotificationPage>("notifications", RestCalls.Query(("filter", filters), ("since", since), ("limit", limit)), cancellationToken);

    /// <summary>A page of stored notifications below <paramref name="before"/>, newest first; by default the newest.</summary>
    public Task<NotificationPage> ListNewestAsync(IEnumerable<string>? filters = null, long? before = null, int? limit = null,
        CancellationToken cancellationToken = default) =>
        _calls.GetAsync<NotificationPage>("notifications", RestCalls.Query(("filter", filters), ("order", "desc"), ("before", before), ("limit", limit)),
            cancellationToken);

    /// <summary>One stored notification.</summary>
    /// <exception cref="NotifyException"><c>not_found</c>.</exception>
    public Task<Notification> GetAsync(Guid id, CancellationToken cancellationToken = default) =>
        _calls.GetAsync<Notification>($"notifications/{id}", "", cancellationToken);

    /// <summary>The connections that follow a topic.</summary>
    public Task<TopicPresence> GetPresenceAsync(string topic, string? after = null, int? limit = null, CancellationToken cancellationToken = default) =>
        _calls.GetAsync<TopicPresence>("presence", RestCalls.Query(("topic", topic), ("after", after), ("limit", limit)), cancellationToken);

    /// <summary>The service's numbers; for admins.</summary>
    public Task<ServiceStats> GetStatsAsync(CancellationToken cancellationToken = default) => _calls.GetAsync<ServiceStats>("stats", "", cancellationToken);

    internal static async IAsyncEnumerable<T> AllAsync<T>(
        Func<string?, Task<Page<T>>> page, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string? after = null;
        do
        {
            cancellationToken.ThrowIfCancellationRequested();
            var answer = await page(after).ConfigureAwait(false);
            foreach (var item in answer.Items) yield return item;
            after = answer.Next;
        }
        while (after is not null);
    }
}

/// <summary>Calls on groups.</summary>
public sealed class GroupCalls
{
    private readonly RestCalls _calls;

    internal GroupCalls(RestCalls calls) => _calls = calls;

    /// <summary>Makes a group or changes its rule; without a rule it is static.</summary>
    public Task<Group> PutAsync(string group, string? rule = null, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<Group>(HttpMethod.Put, Path(group), "", new PutGroup { Rule = rule }, cancellationToken);

    /// <summary>One group.</summary>
    public Task<Group> GetAsync(string group, CancellationToken cancellationToken = default) => _calls.GetAsync<Group>(Path(group), "", cancellationToken);

    /// <summary>All groups whose names begin so.</summary>
    public IAsyncEnumerable<Group> ListAsync(string? prefix = null, CancellationToken cancellationToken = default) => NotifyApi.AllAsync(
        after => _calls.GetAsync<Page<Group>>("groups", RestCalls.Query(("prefix", prefix), ("after", after)), cancellationToken), cancellationToken);

    /// <summary>Ends a group and all its memberships.</summary>
    public Task DeleteAsync(string group, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<object>(HttpMethod.Delete, Path(group), "", null, cancellationToken);

    /// <summary>All members.</summary>
    public IAsyncEnumerable<string> ListMembersAsync(string group, CancellationToken cancellationToken = default) => NotifyApi.AllAsync(
        after => _calls.GetAsync<Page<string>>(Path(group) + "/members", RestCalls.Query(("after", after)), cancellationToken), cancellationToken);

    /// <summary>Whether a user is a member, and by which parts of the group's rule.</summary>
    public Task<MemberExplanation> ExplainMemberAsync(string group, string user, CancellationToken cancellationToken = default) =>
        _calls.GetAsync<MemberExplanation>($"{Path(group)}/members/{RestCalls.Segment(user)}", "", cancellationToken);

    /// <summary>Adds one member to a static group.</summary>
    public Task AddMemberAsync(string group, string user, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<object>(HttpMethod.Put, $"{Path(group)}/members/{RestCalls.Segment(user)}", "", null, cancellationToken);

    /// <summary>Removes one member from a static group.</summary>
    public Task RemoveMemberAsync(string group, string user, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<object>(HttpMethod.Delete, $"{Path(group)}/members/{RestCalls.Segment(user)}", "", null, cancellationToken);

    /// <summary>Adds and removes up to 1,000 members, all or none.</summary>
    public Task<MembersChanged> ChangeMembersAsync(string group, ChangeMembers change, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<MembersChanged>(HttpMethod.Post, Path(group) + "/members", "", change, cancellationToken);

    private static string Path(string group) => "groups/" + RestCalls.Segment(group);
}

/// <summary>Calls on API keys.</summary>
public sealed class KeyCalls
{
    private readonly RestCalls _calls;

    internal KeyCalls(RestCalls calls) => _calls = calls;

    /// <summary>Makes a key; the answer is the only one with its secret. Not repeated: each call makes one.</summary>
    public Task<ApiKey> CreateAsync(NewApiKey key, CancellationToken cancellationToken = default) =>
        _calls.OnceAsync<ApiKey>(HttpMethod.Post, "keys", "", key, cancellationToken);

    /// <summary>All keys, without their secrets.</summary>
    public IAsyncEnumerable<ApiKey> ListAsync(CancellationToken cancellationToken = default) => NotifyApi.AllAsync(
        after => _calls.GetAsync<Page<ApiKey>>("keys", RestCalls.Query(("after", after)), cancellationToken), cancellationToken);

    /// <summary>Ends a key on every node.</summary>
    public Task DeleteAsync(string id, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<object>(HttpMethod.Delete, "keys/" + RestCalls.Segment(id), "", null, cancellationToken);
}

/// <summary>Calls on what is a user's.</summary>
public sealed class UserCalls
{
    private readonly RestCalls _calls;
    private readonly string _path;

    internal UserCalls(RestCalls calls, string user) => (_calls, _path) = (calls, "users/" + RestCalls.Segment(user));

    /// <summary>A page of the inbox, newest first.</summary>
    /// <param name="state"><c>all</c> (the default: what is not archived), <c>unread</c> or <c>archived</c>.</param>
    /// <param name="filter">Only topics that it matches.</param>
    /// <param name="before">The <c>next</c> of the page before.</param>
    /// <param name="limit">1 to 1,000; 100 by default.</param>
    /// <param name="cancellationToken">Ends the call.</param>
    public Task<InboxPage> ListInboxAsync(string? state = null, string? filter = null, long? before = null, int? limit = null,
        CancellationToken cancellationToken = default) =>
        _calls.GetAsync<InboxPage>(_path + "/inbox", RestCalls.Query(("state", state), ("filter", filter), ("before", before), ("limit", limit)),
            cancellationToken);

    /// <summary>The counts of the inbox, also for up to ten filters of their own.</summary>
    public Task<InboxSummary> GetInboxSummaryAsync(IEnumerable<string>? filters = null, CancellationToken cancellationToken = default) =>
        _calls.GetAsync<InboxSummary>(_path + "/inbox/summary", RestCalls.Query(("filter", filters)), cancellationToken);

    /// <summary>Marks items of the inbox.</summary>
    public Task<InboxSummary> MarkAsync(InboxMarking marking, InboxMark mark, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<InboxSummary>(
        HttpMethod.Post,
        _path + "/inbox/" + marking switch
        {
            InboxMarking.Read => "read",
            InboxMarking.Unread => "unread",
            InboxMarking.Seen => "seen",
            InboxMarking.Archive => "archive",
            InboxMarking.Unarchive => "unarchive",
            _ => throw new ArgumentOutOfRangeException(nameof(marking)),
        },
        "",
        mark,
        cancellationToken);

    /// <summary>The groups that the user is a member of.</summary>
    public IAsyncEnumerable<string> ListGroupsAsync(CancellationToken cancellationToken = default) => NotifyApi.AllAsync(
        after => _calls.GetAsync<Page<string>>(_path + "/groups", RestCalls.Query(("after", after)), cancellationToken), cancellationToken);

    /// <summary>The durable subscriptions.</summary>
    public Task<DurableSubscriptions> GetSubscriptionsAsync(CancellationToken cancellationToken = default) =>
        _calls.GetAsync<DurableSubscriptions>(_path + "/subscriptions", "", cancellationToken);

    /// <summary>Adds durable subscriptions; answers all of them.</summary>
    public Task<DurableSubscriptions> AddSubscriptionsAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<DurableSubscriptions>(HttpMethod.Post, _path + "/subscriptions", "", new DurableSubscriptions([.. topics]), cancellationToken);

    /// <summary>Ends durable subscriptions; answers those that stay.</summary>
    public Task<DurableSubscriptions> RemoveSubscriptionsAsync(IEnumerable<string> topics, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<DurableSubscriptions>(HttpMethod.Post, _path + "/subscriptions/remove", "", new DurableSubscriptions([.. topics]),
            cancellationToken);

    /// <summary>The devices, with what each has acknowledged.</summary>
    public IAsyncEnumerable<UserDevice> ListDevicesAsync(CancellationToken cancellationToken = default) => NotifyApi.AllAsync(
        after => _calls.GetAsync<Page<UserDevice>>(_path + "/devices", RestCalls.Query(("after", after)), cancellationToken), cancellationToken);

    /// <summary>Forgets a device.</summary>
    public Task DeleteDeviceAsync(string device, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<object>(HttpMethod.Delete, $"{_path}/devices/{RestCalls.Segment(device)}", "", null, cancellationToken);

    /// <summary>All attributes; for admins.</summary>
    public Task<JsonElement> GetAttributesAsync(CancellationToken cancellationToken = default) =>
        _calls.GetAsync<JsonElement>(_path + "/attributes", "", cancellationToken);

    /// <summary>Changes attributes by a JSON merge patch, and answers all of them; for admins.</summary>
    public Task<JsonElement> PatchAttributesAsync(JsonElement patch, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<JsonElement>(new HttpMethod("PATCH"), _path + "/attributes", "", patch, cancellationToken);

    /// <summary>Changes what the user says of itself by a JSON merge patch, and answers all of it.</summary>
    public Task<JsonElement> PatchSelfAsync(JsonElement patch, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<JsonElement>(new HttpMethod("PATCH"), _path + "/attributes/self", "", patch, cancellationToken);

    /// <summary>Whether the user is connected, and from which devices.</summary>
    public Task<UserPresence> GetPresenceAsync(CancellationToken cancellationToken = default) =>
        _calls.GetAsync<UserPresence>(_path + "/presence", "", cancellationToken);

    /// <summary>Closes the user's connections on every node.</summary>
    public Task DisconnectAsync(CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<object>(HttpMethod.Post, _path + "/disconnect", "", null, cancellationToken);

    /// <summary>Refuses tokens issued up to a moment, by default now, and closes the connections that used one.</summary>
    public Task RevokeTokensAsync(DateTimeOffset? issuedBefore = null, CancellationToken cancellationToken = default) =>
        _calls.RepeatAsync<object>(HttpMethod.Post, _path + "/tokens/revoke", "", new RevokeTokens { IssuedBefore = issuedBefore }, cancellationToken);
}

/// <summary>How items of an inbox are marked.</summary>
public enum InboxMarking
{
    /// <summary>Read, and so seen.</summary>
    Read,

    /// <summary>Not read after all; by versions only.</summary>
    Unread,

    /// <summary>Seen.</summary>
    Seen,

    /// <summary>Archived, and so read.</summary>
    Archive,

    /// <summary>Back from the archive; by versions only.</summary>
    Unarchive,
}
