using Notify.Contracts;
using Notify.Contracts.Publishing;
using Notify.Engine;
using Notify.Engine.Publishing;
using Notify.Server.Http;
using Notify.Server.Streaming;

namespace Notify.Server.Api;

/// <summary>The calls under <c>/api/v1</c>, and an answer for whatever else is asked there.</summary>
internal static class ApiEndpoints
{
    private static readonly CallParameter Key =
        new("header", IdempotencyHeader.Name, typeof(string),
        "A repeat under the same key gets the first answer. 1 to 255 characters, kept at least 24 hours. After a 503, repeat under the same key.");

    private const string Filters =
        "Topic filters (MQTT 3.1.1 §4.7). '#' is written %23; a plain '+' that is a whole segment is the wildcard, elsewhere it is a space";

    private static readonly CallAnswer[] Accepted =
    [
        new(StatusCodes.Status201Created, "Stored.", typeof(PublishResult), "Location"),
        new(StatusCodes.Status200OK, "Stored before under this idempotency key: the first answer.", typeof(PublishResult), "Location",
            PublishAnswer.ReplayedHeader),
        new(StatusCodes.Status202Accepted, "Ephemeral: sent to live connections, not stored.", typeof(PublishResult)),
    ];

    private static readonly int[] PublishProblems =
    [
        StatusCodes.Status403Forbidden, StatusCodes.Status413PayloadTooLarge, StatusCodes.Status415UnsupportedMediaType,
        StatusCodes.Status429TooManyRequests, StatusCodes.Status503ServiceUnavailable,
    ];

    private static readonly int[] ReadProblems = [StatusCodes.Status403Forbidden, StatusCodes.Status503ServiceUnavailable];

    private static readonly Refusal Unknown =
        new(ErrorCodes.NotFound, $"There is nothing at this path. The calls are under {ApiPaths.Root}; the OpenAPI document lists them.");

    /// <summary>Maps them all; the group is the one of <c>/api/v1</c>.</summary>
    public static void MapApi(this IEndpointRouteBuilder api)
    {
        var services = api.ServiceProvider;
        var publish = services.GetRequiredService<PublishEndpoints>();
        var topic = services.GetRequiredService<TopicEndpoint>();
        var read = services.GetRequiredService<ReadEndpoints>();
        var stream = services.GetRequiredService<StreamEndpoint>();

        api.MapCalls(
            "/notifications",
            new ApiCall(ApiCall.Post, publish.PostAsync) { Publishes = true, Description = Publish },
            new ApiCall(ApiCall.Get, read.ListAsync) { Query = ReadEndpoints.Parameters, Description = List });
        api.MapCalls("/notifications/batch", new ApiCall(ApiCall.Post, publish.PostBatchAsync) { Publishes = true, Description = PublishBatch });
        api.MapCalls("/notifications/{id}", new ApiCall(ApiCall.Get, read.GetAsync) { Description = Get });
        api.MapCalls($"/topics/{{**{TopicPath.RouteValue}}}",
            new ApiCall(ApiCall.Post, topic.PostAsync)
            {
                Publishes = true,
                Query = TopicEndpoint.Parameters,
                Lists = TopicEndpoint.Lists,
                Description = PublishToTopic
            });
        api.MapCalls(StreamEndpoint.Path,
            new ApiCall(ApiCall.Get, stream.GetAsync) { Query = StreamEndpoint.Parameters, RefuseAsync = StreamRefusal.WriteAsync, Description = Stream });
        api.MapKeys();
        api.MapInbox();
        api.MapPeople();
        api.MapPresence();
        api.MapStats();
    }

    /// <summary>Maps an answer for whatever else is asked below <c>/api/v1</c>.</summary>
    public static void MapNothingElse(this IEndpointRouteBuilder api) => api.Map("/{**rest}", NothingHereAsync).ExcludeFromDescription();

    /// <summary>Answers whatever no endpoint does; for a host that has no others.</summary>
    public static void UseNothingHere(this IApplicationBuilder app) =>
        app.Use(next => context => context.GetEndpoint() is null ? NothingHereAsync(context) : next(context));

    private static Task NothingHereAsync(HttpContext context) => Problem.WriteAsync(context, Unknown);

    /// <summary>Maps the calls of one path, and a 405 that names them for every other method.</summary>
    public static void MapCalls(this IEndpointRouteBuilder api, string path, params ApiCall[] calls)
    {
        var guard = api.ServiceProvider.GetRequiredService<ApiGuard>();
        foreach (var call in calls)
        {
            var handle = guard.Wrap(call);
            api.MapMethods(path, [call.Methods[0]], handle).WithMount(path).Describe(call);
            if (call.Methods.Length > 1) api.MapMethods(path, call.Methods[1..], handle).WithMount(path).ExcludeFromDescription();
        }

        var allowed = string.Join(", ", calls.SelectMany(call => call.Methods));
        var refusal = Refusal.Invalid($"This path takes {allowed}.");
        api.Map(path, context =>
        {
            context.Response.Headers.Allow = allowed;
            return Problem.WriteAsync(context, refusal, StatusCodes.Status405MethodNotAllowed);
        }).ExcludeFromDescription();
    }

    private static CallDescription Publish => new("publish", "Publishes one notification")
    {
        Details = "One address (topic, group or user), and at least one of title, body and data. Unknown and duplicate members are refused. Answered once " +
            $"it is stored. tags: at most {PublishMembers.MaxTags} of 1 to {PublishMembers.MaxTagLength} characters. {LinkRule.Allowed} ttlSeconds: at most " +
            $"{PublishRequestReader.MaxTtlSeconds}.",
        GoesWithoutCredential = true,
        Parameters = [Key],
        Body = new CallBody(typeof(PublishRequest), MediaTypes.Json),
        Answers = Accepted,
        Problems = [.. PublishProblems, StatusCodes.Status409Conflict],
    };

    private static CallDescription PublishBatch => new("publishBatch", "Publishes several notifications")
    {
        Details = "The valid ones are stored together although others are refused. The header Idempotency-Key stands for the items as {key}#{index}; then " +
            "they have none of their own.",
        GoesWithoutCredential = true,
        Parameters = [Key],
        Body = new CallBody(typeof(BatchPublishRequest), MediaTypes.Json),
        Answers = [new(StatusCodes.Status200OK, "What became of each, in order.", typeof(BatchPublishResult))],
        Problems = PublishProblems,
    };

    // JSON is within "any": where it has its name, some generators take it although text comes first, and text would go out in quotes.
    private static CallDescription PublishToTopic => new("publishToTopic", "Publishes from a shell: curl -d \"Backup done\" …/topics/backups")
    {
        Details = "application/json becomes the notification's data, everything else, being UTF-8, its body. The topic is percent-decoded " +
            "once, so that its slashes may be written %2F.",
        GoesWithoutCredential = true,
        Parameters =
        [
            new("path", "topic", typeof(string), "The topic; its slashes are its levels."),
            .. TopicEndpoint.Parameters.SelectMany(name => new CallParameter[]
            {
                new("query", name, name == "ttlSeconds" ? typeof(long) : typeof(string), TextOf(name)) { Values = ValuesOf(name) },
                new("header", $"X-{char.ToUpperInvariant(name[0])}{name[1..]}", typeof(string), $"The same as the parameter {name}; give one of them."),
            }),
            Key,
        ],
        Body = new CallBody(typeof(string), MediaTypes.Text, MediaTypes.Any),
        Answers = Accepted[..2],
        Problems = [.. PublishProblems, StatusCodes.Status409Conflict],
    };

    private static string TextOf(string parameter) => parameter == "tags" ? "Separated by commas." : $"The notification's {parameter}.";

    private static string[]? ValuesOf(string parameter) => parameter == "priority" ? OpenApiSchemas.PriorityValues : null;

    private static CallDescription List => new("list", "Lists stored notifications: after a version, oldest first, or below one, newest first")
    {
        Details = "Of what the caller may see. Read on until next equals head (newest first: until there is no next); a gap says what was dropped before.",
        GoesWithoutCredential = true,
        Parameters =
        [
            new("query", QueryFilters.Parameter, typeof(string[]), $"{Filters}; without one, everything the caller may see."),
            new("query", "since", typeof(long), "The version after which to begin; 0 by default. Not with order=desc."),
            new("query", "limit", typeof(int),
                "1 to 1000; 100 by default. Pages may be shorter: the end is where next equals head, or, newest first, where there is no next."),
            new("query", "order", typeof(string), "asc, oldest first (the default), or desc, newest first.") { Values = ["asc", "desc"] },
            new("query", "before", typeof(long), "With order=desc, the version below which to begin; above the head by default."),
        ],
        Answers = [new(StatusCodes.Status200OK, "A page; its next is the since (newest first: the before) of the one after it.", typeof(NotificationPage))],
        Problems = ReadProblems,
    };

    private static CallDescription Stream => new("stream", "Follows topics over Server-Sent Events")
    {
        Details = "Events: notification (id is its version), caught-up, gap and progress, each with an id to come back with; a comment every 15 s. What is " +
            "refused for now (a node that starts or stops, storage that is away, too many connections) is a 200 with 'retry' and an end: a browser's " +
            "EventSource gives up at any other status.",
        GoesWithoutCredential = true,
        Parameters =
        [
            new("query", QueryFilters.Parameter, typeof(string[]), $"{Filters}. A user's own topic comes unasked; without a user there is at least one."),
            new("query", "since", typeof(long), "The version after which to begin; without it, from now."),
            new("header", "Last-Event-ID", typeof(long), "As since, which it beats: browsers send it when they come back."),
        ],
        Answers = [new(StatusCodes.Status200OK, "Events, without end.", typeof(string)) { MediaType = MediaTypes.EventStream }],
        Problems = [StatusCodes.Status403Forbidden],
    };

    private static CallDescription Get => new("get", "Reads one notification")
    {
        Details = "As long as the log or an inbox keeps it. One that the caller may not see looks like one that is not there.",
        GoesWithoutCredential = true,
        Parameters = [new("path", "id", typeof(Guid), "Its id.")],
        Answers = [new(StatusCodes.Status200OK, "The notification.", typeof(Notification))],
        Problems = [.. ReadProblems, StatusCodes.Status404NotFound],
    };
}
