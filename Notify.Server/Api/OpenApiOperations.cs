using Microsoft.AspNetCore.Http.Metadata;
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
    /// <summary>The document of the service's own process, at <c>/openapi/v1.json</c>.</summary>
    internal const string OwnDocument = "v1";

    /// <summary>The document in a hosting app, whose own is called v1 unless it says otherwise.</summary>
    internal const string AppDocument = "notify";

    private const string Version = "v1";

    /// <summary>A bad request, a bad credential or none, and a failure.</summary>
    private static readonly int[] OfEveryCall = [StatusCodes.Status400BadRequest, StatusCodes.Status401Unauthorized, StatusCodes.Status500InternalServerError];

    // How a reader of the document finds them: by what they are about, which is the first word of the path.
    private static readonly (string Name, string[] Paths)[] Tags =
    [
        ("Notifications", ["notifications", "topics", "stream"]), ("Users", ["users"]), ("Groups", ["groups"]), ("Presence", ["presence"]),
            ("API keys", ["keys"]),
    ];

    private const string OtherTag = "Service";

    /// <summary>Marks our endpoints: our document names these and no others. Their group's name keeps them out of other documents.</summary>
    internal sealed class Described;

    public static void AddDocument(IServiceCollection services, string name) => services.AddOpenApi(name, options =>
    {
        options.ShouldInclude = description => description.ActionDescriptor.EndpointMetadata.OfType<Described>().Any();
        options.AddDocumentTransformer((document, _, _) =>
        {
            document.Info.Title = "Notify";
            document.Info.Version = Version;
            document.Info.Description = "Publishes and reads notifications. Errors are problem documents (RFC 9457) with a stable 'code'. A rejected " +
                "credential is 401, and 429 where too many came from one address. Live delivery is the SignalR hub hubs/notifications, beside api/v1, and " +
                "GET …/stream.";
            document.Info.License = new OpenApiLicense { Name = "MIT", Identifier = "MIT" };
            Secure(document);
            document.Tags = Tags.Select(tag => tag.Name).Append(OtherTag).Select(name => new OpenApiTag { Name = name }).ToHashSet();
            foreach (var server in document.Servers ?? []) server.Url = server.Url?.TrimEnd('/'); // paths begin with one
            return Task.CompletedTask;
        });
        OpenApiSchemas.Correct(options);
    });

    // Any one of them, or none where the service is open or grants something to callers without a credential.
    private static void Secure(OpenApiDocument document)
    {
        document.Components ??= new OpenApiComponents();
        document.Components.SecuritySchemes = new Dictionary<string, IOpenApiSecurityScheme>
        {
            ["bearer"] = new OpenApiSecurityScheme { Type = SecuritySchemeType.Http, Scheme = "bearer", Description = "A JWT, or an API key." },
            ["apiKey"] =
                new OpenApiSecurityScheme
                {
                    Type = SecuritySchemeType.ApiKey,
                    In = ParameterLocation.Header,
                    Name = "X-Api-Key",
                    Description = "An API key, ntf_…"
                },
        };
        document.Security =
        [
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("bearer", document)] = [] },
            new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference("apiKey", document)] = [] },
            new OpenApiSecurityRequirement(),
        ];
    }

    private static string TagOf(string path)
    {
        var root = $"{ApiPaths.Root}/".TrimStart('/');
        var word = path[(path.IndexOf(root, StringComparison.Ordinal) + root.Length)..].Split('/', '?')[0];
        return Tags.FirstOrDefault(tag => tag.Paths.Contains(word)).Name ?? OtherTag;
    }

    public static void Describe(this IEndpointConventionBuilder endpoint, CallDescription description)
    {
        var handler = (RequestDelegate)(_ => Task.CompletedTask);
        var metadata = new List<object> { handler.Method, new Described() }; // the API explorer passes over endpoints without a method
        metadata.AddRange(description.Answers.Select(answer => new ProducesResponseTypeMetadata(answer.Status, answer.Type, [answer.MediaType])));
        metadata.AddRange(Problems(description).Select(status => new ProducesResponseTypeMetadata(status, typeof(ProblemDocument), [Problem.ContentType])));
        endpoint.WithMetadata([.. metadata]);
        endpoint.WithGroupName(AppDocument);
        endpoint.AddOpenApiOperationTransformer((operation, context, cancellationToken) => CompleteAsync(operation, context, description, cancellationToken));
    }

    private static async Task CompleteAsync(OpenApiOperation operation, OpenApiOperationTransformerContext context, CallDescription description,
        CancellationToken cancellationToken)
    {
        operation.OperationId = description.Name;
        operation.Summary = description.Summary;
        operation.Description = description.Details;
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
                Schema = await context.GetOrCreateSchemaAsync(parameter.Type, null, cancellationToken),
            });
        }

        if (description.Body is { } body) operation.RequestBody = await BodyAsync(body, context, cancellationToken);
        foreach (var answer in description.Answers)
        {
            if (operation.Responses?[$"{answer.Status}"] is not OpenApiResponse response) continue;
            response.Description = answer.Text;
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

    // Not by AcceptsMetadata: routing would take it as a rule, and answer a wrong media type in our place.
    private static async Task<OpenApiRequestBody> BodyAsync(CallBody body, OpenApiOperationTransformerContext context, CancellationToken cancellationToken)
    {
        IOpenApiSchema schema = await context.GetOrCreateSchemaAsync(body.Type, null, cancellationToken);
        if (body.Type != typeof(string) && context.Document is { } document)
        {
            document.AddComponent(body.Type.Name, schema);
            schema = new OpenApiSchemaReference(body.Type.Name, document);
        }

        return new OpenApiRequestBody
        {
            Required = true,
            Content = body.MediaTypes.ToDictionary(type => type, type =>
                new OpenApiMediaType { Schema = body.Type == typeof(string) && type == MediaTypes.Json ? new OpenApiSchema() : schema }),
        };
    }

    private static IEnumerable<int> Problems(CallDescription description) =>
        description.Problems.Concat(OfEveryCall).Distinct().Order();
}
