using System.Reflection;
using System.Runtime.Serialization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization.Metadata;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.OpenApi;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Publishing;

namespace Notify.Server.Api;

/// <summary>
/// What the schemas that are made from the wire records get wrong: absent values are left out and never null, numbers
/// are no strings, some texts are one of a few, and what may be absent is not required.
/// </summary>
internal static class OpenApiSchemas
{
    internal static readonly string[] PriorityValues = [Priorities.Low, Priorities.Normal, Priorities.High, Priorities.Urgent];

    private const string Suffix = "Document";

    private static readonly string[] Codes =
    [
        ErrorCodes.InvalidRequest, ErrorCodes.InvalidTopic, ErrorCodes.InvalidFilter, ErrorCodes.Unauthenticated, ErrorCodes.Forbidden, ErrorCodes.NotFound,
        ErrorCodes.IdempotencyConflict, ErrorCodes.PayloadTooLarge, ErrorCodes.UnsupportedMediaType, ErrorCodes.TooManyRequests, ErrorCodes.StorageUnavailable,
            Problem.InternalError,
    ];

    // Request bodies: in all of them unknown members are refused.
    private static readonly Type[] Requests =
    [
        typeof(PublishRequest), typeof(BatchPublishRequest), typeof(PutGroupDocument), typeof(ChangeMembersDocument), typeof(TopicsDocument),
        typeof(InboxMarkDocument), typeof(InboxVersionsDocument), typeof(NewKeyDocument), typeof(RevokeDocument),
    ];

    /// <summary>What a record is called in the document, and so in generated clients.</summary>
    public static string NameOf(Type type) =>
        type == typeof(Dictionary<string, object>) ? "Attributes"
        : type.Name.EndsWith(Suffix, StringComparison.Ordinal) ? type.Name[..^Suffix.Length]
        : type.Name;

    public static void Correct(OpenApiOptions options)
    {
        options.CreateSchemaReferenceId = type =>
            type.Type == typeof(Dictionary<string, object>) || (OpenApiOptions.CreateDefaultSchemaReferenceId(type) is not null && IsOurs(type.Type))
                ? NameOf(type.Type) : null;
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Correct(schema, context);
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer((document, _, _) =>
        {
            var schemas = document.Components?.Schemas ?? new Dictionary<string, IOpenApiSchema>();
            foreach (var schema in schemas.Values) WithoutNull(schema);
            if (schemas.TryGetValue(nameof(PublishRequest), out var one))
            {
                Describe(one, schemas[nameof(Notification)]);
                ((OpenApiSchema)schemas[nameof(BatchPublishRequest)].Properties!["notifications"]).Items =
                    new OpenApiSchemaReference(nameof(PublishRequest), document);
                Describe(schemas[nameof(BatchItemResult)], schemas[nameof(PublishResult)]);
            }

            return Task.CompletedTask;
        });
    }

    private static void Correct(OpenApiSchema schema, OpenApiSchemaTransformerContext context)
    {
        if (schema.Type is { } type)
        {
            type &= ~JsonSchemaType.Null;

            // The web defaults take numbers as strings too; these calls do not.
            if (type.HasFlag(JsonSchemaType.String) && (type.HasFlag(JsonSchemaType.Integer) || type.HasFlag(JsonSchemaType.Number)))
            {
                type &= ~JsonSchemaType.String;
                schema.Pattern = null;
            }

            schema.Type = type;
        }

        var wire = context.JsonTypeInfo.Type;
        if (wire == typeof(DateTimeOffset) || wire == typeof(DateTimeOffset?)) schema.Type = JsonSchemaType.String;
        if (wire == typeof(Dictionary<string, object>)) schema.AdditionalProperties = new OpenApiSchema(); // any, which some generators take for none
        if (Requests.Contains(wire)) schema.AdditionalPropertiesAllowed = false;
        Rename(schema, context.JsonTypeInfo);
        Require(schema, context.JsonTypeInfo);
        string[]? values = (context.JsonPropertyInfo is { } property ? NameOf(property) : null) switch
        {
            "priority" => PriorityValues,
            "reason" => [GapReasons.Retention, GapReasons.Epoch],
            "code" => Codes,
            _ => null,
        };
        if (values is not null) schema.Enum = [.. values.Select(value => JsonValue.Create(value))];
    }

    // Names come from the app's JSON options; on this wire they are what the records say, whatever an app has for its own.
    private static void Rename(OpenApiSchema schema, JsonTypeInfo type)
    {
        if (schema.Properties is not { Count: > 0 } properties || !IsOurs(type.Type)) return;
        foreach (var property in type.Properties)
        {
            var name = NameOf(property);
            if (name == property.Name || !properties.Remove(property.Name, out var named)) continue;
            properties[name] = named;
            if (schema.Required?.Remove(property.Name) == true) schema.Required.Add(name);
        }
    }

    // The parameters of a record all count as required, those that may be null too.
    private static void Require(OpenApiSchema schema, JsonTypeInfo type)
    {
        if (!IsOurs(type.Type)) return;
        foreach (var property in type.Properties.Where(property => property.IsGetNullable)) schema.Required?.Remove(NameOf(property));
        if (type.Type == typeof(BatchPublishRequest)) schema.Required = new HashSet<string> { "notifications" };
        if (type.Type == typeof(Notification)) schema.Required?.Add("priority"); // "normal" is written too
        if (schema.Required?.Count == 0) schema.Required = null;
    }

    private static bool IsOurs(Type type) => type.Assembly == typeof(PublishRequest).Assembly || type.Assembly == typeof(OpenApiSchemas).Assembly;

    private static string NameOf(JsonPropertyInfo property)
    {
        var member = property.AttributeProvider as MemberInfo;
        return member?.GetCustomAttribute<DataMemberAttribute>()?.Name ?? JsonNamingPolicy.CamelCase.ConvertName(member?.Name ?? property.Name);
    }

    // "Null or a gap" comes as a choice of two, made after the transformers have seen either.
    private static void WithoutNull(IOpenApiSchema schema)
    {
        if (schema.Properties is not { } properties) return;
        foreach (var (name, property) in properties.ToArray())
        {
            if (property.OneOf is [{ Type: JsonSchemaType.Null }, var other]) properties[name] = other;
        }
    }

    // What inherits its documentation in the sources comes without any.
    private static void Describe(IOpenApiSchema schema, IOpenApiSchema from)
    {
        foreach (var (name, property) in schema.Properties ?? new Dictionary<string, IOpenApiSchema>())
        {
            if (property.Description is null && from.Properties?.TryGetValue(name, out var described) == true) property.Description = described.Description;
        }
    }
}
