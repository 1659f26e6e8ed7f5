namespace Notify.Server.Api;

/// <summary>The calls about attributes and the rules over them.</summary>
internal static class RuleCalls
{
    private static readonly string[] Patch = [HttpMethods.Patch];

    private static readonly int[] Problems = [StatusCodes.Status403Forbidden, StatusCodes.Status404NotFound, StatusCodes.Status503ServiceUnavailable];

    private static readonly CallParameter Group = new("path", "group", typeof(string), "The group's name.");
    private static readonly CallParameter User = new("path", "user", typeof(string), "A user id; 'me' is the caller's own.");
    private static readonly CallAnswer Attributes = new(StatusCodes.Status200OK, "The attributes, a JSON object.", typeof(Dictionary<string, object>));

    public static void MapRules(this IEndpointRouteBuilder api)
    {
        var attributes = api.ServiceProvider.GetRequiredService<AttributeEndpoints>();
        var rules = api.ServiceProvider.GetRequiredService<RuleEndpoints>();
        api.MapCalls(
            "/users/{user}/attributes",
            new ApiCall(ApiCall.Get, attributes.GetAsync) { Description = GetAttributes },
            new ApiCall(Patch, attributes.PatchAsync) { Description = PatchAttributes });
        api.MapCalls("/users/{user}/attributes/self", new ApiCall(Patch, attributes.PatchSelfAsync) { Description = PatchSelf });
        api.MapCalls("/groups/{group}/preview", new ApiCall(ApiCall.Post, rules.PreviewAsync) { Description = Preview });
    }

    private static CallDescription GetAttributes => new("getAttributes", "Reads a user's attributes")
    {
        Details = "All of them; 'self' is what the user says of itself. The same values, not in the same spelling or order.",
        Parameters = [User],
        Answers = [Attributes],
        Problems = Problems,
    };

    private static CallDescription PatchAttributes => new("patchAttributes", "Changes a user's attributes by a merge patch (RFC 7396)")
    {
        Details = "Everything but 'self'. At most 16 KiB and 8 levels; numbers of at most 28 digits. A patch that changes nothing writes nothing.",
        Parameters = [User],
        Body = new CallBody(typeof(Dictionary<string, object>), MediaTypes.MergePatch, MediaTypes.Json),
        Answers = [Attributes],
        Problems = Problems,
    };

    private static CallDescription PatchSelf => new("patchOwnAttributes", "Changes what a user says of itself by a merge patch (RFC 7396)")
    {
        Details = "Rules see it as @.self alone. At most 8 KiB and 8 levels. For state, not for telemetry: a user may do it once a second on average, ten " +
            "times at once.",
        Parameters = [User],
        Body = new CallBody(typeof(Dictionary<string, object>), MediaTypes.MergePatch, MediaTypes.Json),
        Answers = [Attributes],
        Problems = [.. Problems, StatusCodes.Status429TooManyRequests],
    };

    private static CallDescription Preview => new("previewRule", "Tries a rule without changing anything")
    {
        Details = "The group need not be there.",
        Parameters = [Group],
        Body = new CallBody(typeof(PutGroupDocument), MediaTypes.Json),
        Answers = [new(StatusCodes.Status200OK, "How many satisfy it, and some of them.", typeof(PreviewDocument))],
        Problems = Problems,
    };

    internal static CallDescription Explain => new("explainMember", "Tells whether a user is a member, and by which parts of the rule")
    {
        Details = "For administrators. Without parts where the group is static.",
        Parameters = [Group, User],
        Answers = [new(StatusCodes.Status200OK, "The whole rule first, then each of its comparisons: true, false or unknown.", typeof(ExplanationDocument))],
        Problems = Problems,
    };
}

internal sealed record PreviewDocument(long Members, IReadOnlyList<string> Examples);

internal sealed record ExplanationDocument(bool Member, string? Rule, IReadOnlyList<RulePartDocument>? Parts, bool? Pending);

internal sealed record RulePartDocument(string Rule, string Value);
