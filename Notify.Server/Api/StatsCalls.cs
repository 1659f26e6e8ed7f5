namespace Notify.Server.Api;

/// <summary>The call about the service itself.</summary>
internal static class StatsCalls
{
    public static void MapStats(this IEndpointRouteBuilder api) =>
        api.MapCalls("/stats", new ApiCall(ApiCall.Get, api.ServiceProvider.GetRequiredService<StatsEndpoint>().GetAsync) { Description = Get });

    private static CallDescription Get => new("stats", "Says what is stored, and which nodes there are")
    {
        Details = "For administrators. What other nodes have (connections, and head: how far they have delivered the log) is as of their last renewal, at " +
            "most a few seconds old; a node that was killed is listed for at most 20 s.",
        Answers = [new(StatusCodes.Status200OK, "topics: those that something was published to; users: those that were ever mentioned.",
            typeof(StatsDocument))],
        Problems = [StatusCodes.Status401Unauthorized, StatusCodes.Status403Forbidden, StatusCodes.Status404NotFound, StatusCodes.Status503ServiceUnavailable],
    };
}

// What the OpenAPI document shows; the call writes its members itself.

internal sealed record StatsDocument(Guid Epoch, long Head, long Oldest, long Topics, long Users, long Connections, IReadOnlyList<NodeDocument> Nodes);

internal sealed record NodeDocument(Guid Node, string Version, int Connections, DateTimeOffset StartedAt, long Head);
