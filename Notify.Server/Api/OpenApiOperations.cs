using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Mvc.ApiExplorer;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Notify.Server.Authentication;

namespace Notify.Server.Api;

/// <summary>
/// Puts a <see cref="CallDescription"/> into the OpenAPI document. The calls read their bytes themselves, so nothing
/// can be guessed from method signatures.
/// </summary>
internal static class OpenApiOperations
{
    /// <summary>The document's name in a hosting app, whose own is called v1 unless it says otherwise.</summary>
    private const string DocumentName = "notify";

    private const string Version = "v1";

    private const string Bearer = "bearer";
    private const string ApiKey = "apiKey";
    private const string AccessToken = "accessToken";

    /// <summary>A bad request, a bad credential or none, and a failure.</summary>
    private static readonly int[] OfEveryCall = [StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status500InternalServerError];

    private static readonly int[] OfEveryBody = [StatusCodes.Status413PayloadTooLarge, StatusCodes.Status415UnsupportedMediaType];

    // How a reader of the document finds them: by what they are about, which is the first word of the path.
    private static readonly (string Name, string Text, string[] Paths)[] Tags =
    [
        ("Notifications", "Publishing, reading and following notifications.", ["notifications", "topics", "stream"]),
        ("Users", "What belongs to one user: inbox, subscriptions, devices, attributes.", ["users"]),
        ("Groups", "Groups and their members: by name, or by a rule over attributes.", ["groups"]),
        ("Presence", "Users that are connected and follow a topic.", ["presence"]),
        ("API keys", "Credentials of backends.", ["keys"]),
    ];

    private const string OtherTag = "Service";

    /// <summary>Marks our endpoints: our document names these and no others. Their group's name keeps them out of other documents.</summary>
    internal sealed record Described(ApiCall Call);

    public static void AddDocument(IServiceCollection services) => services.AddOpenApi(DocumentName, options =>
    {
        options.ShouldInclude = description => CallOf(description) is not null;
        options.AddOperationTransformer((operation, context, cancellationToken) =>
            CompleteAsync(operation, context, CallOf(context.Description)!, cancellationToken));
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Notify";
            document.Info.Version = Version;
            document.Info.Description = "Publishes and reads notifications. Errors are problem documents (RFC 9457) with a stable 'code'. A rejected " +
                "credential is 401, and 429 where too many came from one address. Calls that also go without a credential do so for what is granted to " +
                "callers without one; in Development, without any key configured, all calls do. Live delivery is the SignalR hub hubs/notifications, beside " +
                "api/v1, and GET …/stream.";
            document.Info.License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" };
            document.Info.Contact = new OpenApiContact { Name = "The operator of this installation" };
            Secure(document);
            document.Tags = Tags.Select(tag => new OpenApiTag { Name = tag.Name, Description = tag.Text })
                .Append(new OpenApiTag { Name = OtherTag, Description = "The service itself, for administrators." }).ToHashSet();
            ShareProblems(document);
            foreach (var server in document.Servers ?? []) server.Url = server.Url?.TrimEnd('/'); // paths begin with one
            return Task.CompletedTask;
        });
        OpenApiSchemas.Correct(options);
    });

    private static ApiCall? CallOf(ApiDescription description) =>
        description.ActionDescriptor.EndpointMetadata.OfType<Described>().FirstOrDefault()?.Call;

    private static void Secure(OpenApiDocument document)
    {
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            [Bearer] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A JWT, or an API key." },
            [ApiKey] = KeyIn(ParameterLocation.Header, "X-Api-Key", "An API key, ntf_…"),
            [AccessToken] =
                KeyIn(ParameterLocation.Query, ShownCredential.QueryParameter, "A JWT or an API key, for a browser's EventSource, which sends no headers."),
        };
        document.Security = [.. Credentials(document)];
    }

    private static OpenApiSecurityScheme KeyIn(ParameterLocation where, string name, string text) =>
        new() { Type = SecuritySchemeType.ApiKey, In = where, Name = name, Description = text };

    // Any one of them; the empty one stands for none.
    private static IEnumerable<OpenApiSecurityRequirement> Credentials(OpenApiDocument? document, bool inQuery = false, bool orNone = false)
    {
        foreach (var scheme in inQuery ? (string[])[Bearer, ApiKey, AccessToken] : [Bearer, ApiKey])
            yield return new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(scheme, document)] = [] };
        if (orNone) yield return [];
    }

    /// <summary>Problems are the same for all calls: named once, so that a change of one call is not lost among them.</summary>
    private static void ShareProblems(OpenApiDocument document)
    {
        var shared = new SortedDictionary<string, IOpenApiResponse>(StringComparer.Ordinal);
        foreach (var responses in document.Paths.Values.SelectMany(path => path.Operations!.Values).Select(operation => operation.Responses!))
        {
            foreach (var (status, response) in responses.ToArray())
            {
                if (response is not OpenApiResponse problem || problem.Content?.TryGetValue(Problem.ContentType, out var media) != true) continue;
                var code = int.Parse(status, CultureInfo.InvariantCulture);
                var name = $"Problem{code}";
                problem.Description = Problem.Title(code);
                media!.Example = OpenApiExamples.OfProblem(code);
                shared.TryAdd(name, problem);
                responses[status] = new OpenApiResponseReference(name, document);
            }
        }

        document.Components!.Responses = shared;
    }

    private static string TagOf(string path)
    {
        var root = $"{ApiPaths.Root}/".TrimStart('/');
        var word = path[(path.IndexOf(root, StringComparison.Ordinal) + root.Length)..].Split('/', '?')[0];
        return Tags.FirstOrDefault(tag => tag.Paths.Contains(word)).Name ?? OtherTag;
    }

    public static void Describe(this IEndpointConventionBuilder endpoint, ApiCall call)
    {
        var description = call.Description;
        var handler = (RequestDelegate)(_ => Task.CompletedTask);
        var metadata = new List<object> { handler.Method, new Described(call) }; // the API explorer passes over endpoints without a method
        metadata.AddRange(description.Answers.Select(answer => new ProducesResponseTypeMetadata(answer.Status, answer.Type, [answer.MediaType])));
        metadata.AddRange(Problems(description).Select(status => new ProducesResponseTypeMetadata(status, typeof(ProblemDocument), [Problem.ContentType])));
        endpoint.WithMetadata([.. metadata]);
        endpoint.WithGroupName(DocumentName);
    }

    private static async Task CompleteAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, ApiCall call,
        CancellationToken cancellationToken)
    {
        var description = call.Description;
        operation.OperationId = description.Name;
        operation.Summary = description.Summary;
        operation.Description = description.Details;
        if (description.GoesWithoutCredential || call.TakesTokenInQuery)
            operation.Security = [.. Credentials(context.Document, call.TakesTokenInQuery, description.GoesWithoutCredential)];
        operation.Tags = new HashSet<OpenApiTagReference> { new(TagOf(context.Description.RelativePath ?? "")) };
        operation.Parameters = [];
        foreach (var parameter in description.Parameters)
        {
            operation.Parameters.Add(new OpenApiParameter
            {
                Name = parameter.Name,
                In = parameter.In switch { "path" => ParameterLocation.Path, "header" => ParameterLocation.Header, _ => ParameterLocation.Query },
                Required = parameter.Required,
                Description = parameter.Text,
                Schema = await SchemaAsync(parameter, context, cancellationToken),
                Example = parameter.Required ? OpenApiExamples.OfParameter(parameter.Name) : null,
            });
        }

        if (description.Body is { } body) operation.RequestBody = await BodyAsync(body, context, cancellationToken);
        foreach (var answer in description.Answers)
        {
            if (operation.Responses?[$"{answer.Status}"] is not OpenApiResponse response) continue;
            response.Description = answer.Text;
            if (response.Content?.TryGetValue(answer.MediaType, out var media) == true) media.Example = OpenApiExamples.Of(answer.Type, answer.MediaType);
            foreach (var header in answer.Headers) Add(response, header, JsonSchemaType.String);
        }

        foreach (var status in Problems(description).Where(Problem.ComesWithRetryAfter))
        {
            if (operation.Responses?[$"{status}"] is OpenApiResponse response) Add(response, HeaderNames.RetryAfter, JsonSchemaType.Integer);
        }

        if (operation.Responses?[$"{StatusCodes.Status401Unauthorized}"] is OpenApiResponse unauthenticated)
            Add(unauthenticated, HeaderNames.WWWAuthenticate, JsonSchemaType.String);
    }

    private static void Add(OpenApiResponse response, string header, JsonSchemaType type) =>
        (response.Headers ??= new Dictionary<string, IOpenApiHeader>())[header] = new OpenApiHeader { Schema = new OpenApiSchema { Type = type } };

    private static async Task<IOpenApiSchema> SchemaAsync(CallParameter parameter, OpenApiOperationTransformerContext context,
        CancellationToken cancellationToken)
    {
        var schema = await context.GetOrCreateSchemaAsync(parameter.Type, null, cancellationToken);
        if (parameter.Values is { } values) schema.Enum = [.. values.Select(value => JsonValue.Create(value))];
        return schema;
    }

    // Not by AcceptsMetadata: routing would take it as a rule, and answer a wrong media type in our place.
    private static async Task<OpenApiRequestBody> BodyAsync(CallBody body, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        IOpenApiSchema schema = await context.GetOrCreateSchemaAsync(body.Type, null, cancellationToken);
        if (body.Type != typeof(string) && context.Document is { } document)
        {
            var name = OpenApiSchemas.NameOf(body.Type);
            document.AddComponent(name, schema);
            schema = new OpenApiSchemaReference(name, document);
        }

        return new OpenApiRequestBody
        {
            Required = body.Required,
            Content = body.MediaTypes.ToDictionary(type => type, type => new OpenApiMediaType
            {
                Schema = body.Type == typeof(string) && type == MediaTypes.Any ? new OpenApiSchema() : schema,
                Example = OpenApiExamples.Of(body.Type, type),
            }),
        };
    }

    private static IEnumerable<int> Problems(CallDescription description) => description.Problems.Concat(OfEveryCall)
        .Concat(description.Body is null ? [] : OfEveryBody).Distinct().Order();
}
