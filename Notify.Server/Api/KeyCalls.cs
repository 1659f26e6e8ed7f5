namespace Notify.Server.Api;

/// <summary>The calls about credentials: API keys, the caller's identity, and ending what a user has open.</summary>
internal static class KeyCalls
{
    private static readonly string[] Delete = [HttpMethods.Delete];
    private static readonly int[] Problems = [StatusCodes.Status403Forbidden, StatusCodes.Status404NotFound, StatusCodes.Status503ServiceUnavailable];
    private static readonly CallParameter User = new("path", "user", typeof(string), "A user id; 'me' is the caller's own.");
    private static readonly CallAnswer Done = new(StatusCodes.Status204NoContent, "It holds on every node within a second.", typeof(void));

    public static void MapKeys(this IEndpointRouteBuilder api)
    {
        var keys = api.ServiceProvider.GetRequiredService<KeyEndpoints>();
        var identity = api.ServiceProvider.GetRequiredService<IdentityEndpoints>();
        api.MapCalls(
            "/keys",
            new ApiCall(ApiCall.Post, keys.PostAsync) { Description = Create },
            new ApiCall(ApiCall.Get, keys.ListAsync) { Query = PeopleRequest.ListParameters, Description = List });
        api.MapCalls("/keys/{id}", new ApiCall(Delete, keys.DeleteAsync) { Description = Revoke });
        api.MapCalls("/users/me", new ApiCall(ApiCall.Get, identity.MeAsync) { Description = Me });
        api.MapCalls("/users/{user}/disconnect", new ApiCall(ApiCall.Post, identity.DisconnectAsync) { Description = Disconnect });
        api.MapCalls("/users/{user}/tokens/revoke", new ApiCall(ApiCall.Post, identity.RevokeAsync) { Description = RevokeTokens });
    }

    private static CallDescription Create => new("createKey", "Makes an API key")
    {
        Details = "The key itself is in this answer alone: it is stored as a hash. Two keys may have one name, so that one can take over from the other.",
        Body = new CallBody(typeof(NewKeyDocument), MediaTypes.Json),
        Answers = [new(StatusCodes.Status201Created, "Made.", typeof(KeyDocument), "Location")],
        Problems = Problems,
    };

    private static CallDescription List => new("listKeys", "Lists API keys in the order in which they were made")
    {
        Details = "For administrators. Without the keys themselves, which are stored as hashes.",
        Parameters = [new("query", "limit", typeof(int), "1 to 1000; 100 by default."), new("query", "after", typeof(string), "The next of the page before.")],
        Answers = [new(StatusCodes.Status200OK, "A page; without next it is the last.", typeof(KeyPageDocument))],
        Problems = Problems,
    };

    private static CallDescription Revoke => new("revokeKey", "Revokes an API key")
    {
        Details = "Its connections are closed, on every node.",
        Parameters = [new("path", "id", typeof(string), "The key's id.")],
        Answers = [Done],
        Problems = Problems,
    };

    private static CallDescription Me => new("me", "The caller's identity, and what it may")
    {
        Details = "Also without a credential or a user: then what every caller may.",
        GoesWithoutCredential = true,
        Answers = [new(StatusCodes.Status200OK, "The caller.", typeof(MeDocument))],
        Problems = Problems,
    };

    private static CallDescription Disconnect => new("disconnect", "Closes a user's connections")
    {
        Details = "On every node; they may come back.",
        Parameters = [User],
        Answers = [Done],
        Problems = Problems,
    };

    private static CallDescription RevokeTokens => new("revokeTokens", "Refuses a user's tokens issued up to a moment")
    {
        Details = "The second of that moment included; by default now. Connections that use one are closed. The last call wins, also with an earlier moment.",
        Parameters = [User],
        Body = new CallBody(typeof(RevokeDocument), MediaTypes.Json) { Required = false },
        Answers = [Done],
        Problems = Problems,
    };
}

// What the OpenAPI document shows; the calls read and write their members themselves.

internal sealed record NewKeyDocument(string Name, IReadOnlyList<string>? Publish, IReadOnlyList<string>? Subscribe, bool? Admin, DateTimeOffset? ExpiresAt);

internal sealed record KeyDocument(
    string Id, string? Key, string Name, IReadOnlyList<string> Publish, IReadOnlyList<string> Subscribe, bool Admin, DateTimeOffset CreatedAt,
        DateTimeOffset? ExpiresAt, DateTimeOffset? LastUsedAt);

internal sealed record KeyPageDocument(IReadOnlyList<KeyDocument> Items, string? Next);

internal sealed record MeDocument(
    string? User, string? Device, bool Admin, IReadOnlyList<string> Publish, IReadOnlyList<string> Subscribe, IReadOnlyList<string> Join,
        IReadOnlyList<string> Groups, IReadOnlyList<string> TokenGroups);

internal sealed record RevokeDocument(DateTimeOffset? IssuedBefore);
