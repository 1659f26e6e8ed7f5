using Notify.Server.Http;

namespace Notify.Server.Api;

/// <summary>The calls about groups, and about what a user has on every device.</summary>
internal static class PeopleCalls
{
    private static readonly string[] Put = [HttpMethods.Put];
    private static readonly string[] Delete = [HttpMethods.Delete];

    private static readonly int[] Problems = [StatusCodes.Status403Forbidden, StatusCodes.Status404NotFound, StatusCodes.Status503ServiceUnavailable];

    private static readonly CallParameter Group = new("path", "group", typeof(string), "The group's name.");
    private static readonly CallParameter User = new("path", "user", typeof(string), "A user id; 'me' is the caller's own.");
    private static readonly CallParameter Device = new("path", "device", typeof(string), "The device's name.");
    private static readonly CallParameter[] Paging =
        [new("query", "limit", typeof(int), "1 to 1000; 100 by default."), new("query", "after", typeof(string), "The next of the page before.")];
    private static readonly CallAnswer Done =
        new(StatusCodes.Status204NoContent, "It holds for every notification that is published after this answer.", typeof(void));
    private static readonly CallAnswer AllTopics =
        new(StatusCodes.Status200OK, "All durable subscriptions of the user, sleeping ones included.", typeof(TopicsDocument));

    public static void MapPeople(this IEndpointRouteBuilder api)
    {
        var groups = api.ServiceProvider.GetRequiredService<GroupEndpoints>();
        var rules = api.ServiceProvider.GetRequiredService<RuleEndpoints>();
        var users = api.ServiceProvider.GetRequiredService<UserEndpoints>();
        api.MapRules();
        api.MapCalls("/groups",
            new ApiCall(ApiCall.Get, groups.ListAsync) { Query = GroupEndpoints.ListParameters, Lists = ["prefix"], Description = ListGroups });
        api.MapCalls(
            "/groups/{group}",
            new ApiCall(Put, groups.PutAsync) { Description = PutGroup },
            new ApiCall(ApiCall.Get, groups.GetAsync) { Description = GetGroup },
            new ApiCall(Delete, groups.DeleteAsync) { Description = DeleteGroup });
        api.MapCalls(
            "/groups/{group}/members",
            new ApiCall(ApiCall.Post, groups.PostMembersAsync) { Description = ChangeMembers },
            new ApiCall(ApiCall.Get, groups.ListMembersAsync) { Query = PeopleRequest.ListParameters, Description = ListMembers });
        api.MapCalls(
            "/groups/{group}/members/{user}",
            new ApiCall(ApiCall.Get, rules.ExplainAsync) { Description = RuleCalls.Explain },
            new ApiCall(Put, groups.PutMemberAsync) { Description = AddMember },
            new ApiCall(Delete, groups.DeleteMemberAsync) { Description = RemoveMember });
        api.MapCalls("/users/{user}/groups",
            new ApiCall(ApiCall.Get, users.ListGroupsAsync) { Query = PeopleRequest.ListParameters, Description = ListGroupsOf });
        api.MapCalls(
            "/users/{user}/subscriptions",
            new ApiCall(ApiCall.Get, users.GetSubscriptionsAsync) { Description = ListSubscriptions },
            new ApiCall(ApiCall.Post, users.SubscribeAsync) { Description = Subscribe });
        api.MapCalls("/users/{user}/subscriptions/remove", new ApiCall(ApiCall.Post, users.UnsubscribeAsync) { Description = Unsubscribe });
        api.MapCalls("/users/{user}/devices",
            new ApiCall(ApiCall.Get, users.ListDevicesAsync) { Query = PeopleRequest.ListParameters, Description = ListDevices });
        api.MapCalls("/users/{user}/devices/{device}", new ApiCall(Delete, users.ForgetDeviceAsync) { Description = ForgetDevice });
    }

    private static CallDescription PutGroup => new("putGroup", "Makes a group, or changes between static and dynamic")
    {
        Details = "With a rule the group is dynamic: its members are the users whose attributes satisfy it. Without one it is static, and members are put " +
            "into it.",
        Parameters = [Group],
        Body = new CallBody(typeof(PutGroupDocument), MediaTypes.Json) { Required = false },
        Answers = [new(StatusCodes.Status201Created, "Made.", typeof(GroupDocument)), new(StatusCodes.Status200OK, "It was there.", typeof(GroupDocument))],
        Problems = Problems,
    };

    private static CallDescription GetGroup => new("getGroup", "Reads a group")
    {
        Details = "For administrators. members is a count.",
        Parameters = [Group],
        Answers = [new(StatusCodes.Status200OK, "The group; 'pending' while a rule is still being worked through.", typeof(GroupDocument))],
        Problems = Problems,
    };

    private static CallDescription ListGroups => new("listGroups", "Lists groups by name")
    {
        Details = "For administrators, page by page.",
        Parameters = [new("query", "prefix", typeof(string), "Only names that begin with it."), .. Paging],
        Answers = [new(StatusCodes.Status200OK, "A page; without next it is the last.", typeof(GroupPageDocument))],
        Problems = Problems,
    };

    private static CallDescription DeleteGroup => new("deleteGroup", "Ends a group and all of its memberships")
    {
        Details = "All end at one version. A group made again under the name has no members.",
        Parameters = [Group],
        Answers = [Done],
        Problems = Problems,
    };

    private static CallDescription AddMember => new("addMember", "Adds a member to a static group")
    {
        Details = "A user who is a member already stays one. The user need not have been seen before.",
        Parameters = [Group, User],
        Answers = [Done],
        Problems = Problems,
    };

    private static CallDescription RemoveMember => new("removeMember", "Removes a member of a static group")
    {
        Details = "The answer is the same for a user who is not a member.",
        Parameters = [Group, User],
        Answers = [Done],
        Problems = Problems,
    };

    private static CallDescription ChangeMembers => new("changeMembers", "Adds and removes up to 1,000 members of a static group at one version")
    {
        Details = "All or nothing: no user may be in both lists. Members to add that are there and members to remove that are not are passed over.",
        Parameters = [Group],
        Body = new CallBody(typeof(ChangeMembersDocument), MediaTypes.Json),
        Answers = [new(StatusCodes.Status200OK, "How many began and ended, and how many the group has.", typeof(MembersChangedDocument))],
        Problems = Problems,
    };

    private static CallDescription ListMembers => new("listMembers", "Lists the members of a group")
    {
        Details = "For administrators, page by page.",
        Parameters = [Group, .. Paging],
        Answers = [new(StatusCodes.Status200OK, "A page of user ids; without next it is the last.", typeof(NamePageDocument))],
        Problems = Problems,
    };

    private static CallDescription ListGroupsOf => new("listGroupsOf", "Lists the groups that a user is a member of")
    {
        Details = "Not the groups of a token, which are not stored.",
        Parameters = [User, .. Paging],
        Answers = [new(StatusCodes.Status200OK, "A page of names; without next it is the last.", typeof(NamePageDocument))],
        Problems = Problems,
    };

    private static CallDescription ListSubscriptions => new("listSubscriptions", "Lists a user's durable subscriptions")
    {
        Details = "Those that hold on every device. One that the caller's credential does not cover sleeps: it is kept and brings nothing.",
        Parameters = [User],
        Answers = [AllTopics],
        Problems = Problems,
    };

    private static CallDescription Subscribe => new("subscribe", "Subscribes a user durably, on every device until removed")
    {
        Details = "Only what is published after the answer comes through it, and only to connections whose token covers the filter.",
        Parameters = [User],
        Body = new CallBody(typeof(TopicsDocument), MediaTypes.Json),
        Answers = [AllTopics],
        Problems = Problems,
    };

    private static CallDescription Unsubscribe => new("unsubscribe", "Ends durable subscriptions of a user")
    {
        Details = "Filters that the user does not have are passed over.",
        Parameters = [User],
        Body = new CallBody(typeof(TopicsDocument), MediaTypes.Json),
        Answers = [AllTopics],
        Problems = Problems,
    };

    private static CallDescription ListDevices => new("listDevices", "Lists a user's devices and what each has acknowledged")
    {
        Details = "At most 100: beyond that the least recently seen is forgotten.",
        Parameters = [User, .. Paging],
        Answers = [new(StatusCodes.Status200OK, "A page; without next it is the last.", typeof(DevicePageDocument))],
        Problems = Problems,
    };

    private static CallDescription ForgetDevice => new("forgetDevice", "Forgets a device")
    {
        Details = "A device that returns begins at the head. The device need not exist.",
        Parameters = [User, Device],
        Answers = [new(StatusCodes.Status204NoContent, "Forgotten.", typeof(void))],
        Problems = Problems,
    };
}

// What the OpenAPI document shows; the calls read and write their members themselves.

internal sealed record PutGroupDocument(string? Rule);

internal sealed record GroupDocument(string Name, string? Rule, long Members, bool? Pending);

internal sealed record GroupPageDocument(IReadOnlyList<GroupDocument> Items, string? Next);

internal sealed record ChangeMembersDocument(IReadOnlyList<string>? Add, IReadOnlyList<string>? Remove);

internal sealed record MembersChangedDocument(int Added, int Removed, long Members);

internal sealed record NamePageDocument(IReadOnlyList<string> Items, string? Next);

internal sealed record TopicsDocument(IReadOnlyList<string> Topics);

internal sealed record DeviceDocument(string Device, long Version, DateTimeOffset SeenAt);

internal sealed record DevicePageDocument(IReadOnlyList<DeviceDocument> Items, string? Next);
