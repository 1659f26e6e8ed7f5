namespace Notify.Server.Api;

/// <summary>The calls about presence.</summary>
internal static class PresenceCalls
{
    private static readonly int[] Problems =
        [StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden, StatusCodes.Status404NotFound, StatusCodes.Status503ServiceUnavailable];

    public static void MapPresence(this IEndpointRouteBuilder api)
    {
        var presence = api.ServiceProvider.GetRequiredService<PresenceEndpoints>();
        api.MapCalls("/presence", new ApiCall(ApiCall.Get, presence.TopicAsync) { Query = PresenceEndpoints.TopicParameters, Description = OfTopic });
        api.MapCalls("/users/{user}/presence", new ApiCall(ApiCall.Get, presence.UserAsync) { Description = OfUser });
    }

    private static CallDescription OfTopic => new("presenceOfTopic", "Lists the users with a connection that follows a topic, on any node")
    {
        Details = "Needs a grant that covers the topic. count: people, each user once, and connections without a user. items: connections. A connection " +
            "that broke off counts for 10 s more, unless its client closed it. Answered within a second: partial where a node did not answer.",
        Parameters =
        [
            new("query", "topic", typeof(string), "The topic; no wildcards.") { Required = true },
            new("query", "limit", typeof(int), "1 to 1000; 100 by default. Pages may be shorter: without next it is the last."),
            new("query", "after", typeof(string), "The next of the page before."),
        ],
        Answers = [new(StatusCodes.Status200OK, "A page, by user and device.", typeof(PresenceDocument))],
        Problems = Problems,
    };

    private static CallDescription OfUser => new("presenceOfUser", "Says whether a user is connected, on any node")
    {
        Details = "For the user itself and administrators. lastSeenAt is coarse: to within some seconds, after a crash some minutes.",
        Parameters = [new("path", "user", typeof(string), "A user id; 'me' is the caller's own.")],
        Answers = [new(StatusCodes.Status200OK, "The user's connections.", typeof(UserPresenceDocument))],
        Problems = Problems,
    };
}

// What the OpenAPI document shows; the calls write their members themselves.

internal sealed record PresenceDocument(string Topic, int Count, IReadOnlyList<ConnectionDocument> Items, string? Next, bool? Partial);

internal sealed record UserPresenceDocument(bool Online, IReadOnlyList<ConnectionDocument> Connections, DateTimeOffset? LastSeenAt, bool? Partial);

internal sealed record ConnectionDocument(string? User, string? Device, DateTimeOffset ConnectedAt);
