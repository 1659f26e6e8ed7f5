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
/// are no strings, and some texts are one of a few.
/// </summary>
internal static class OpenApiSchemas
{
    private static readonly string[] Codes =
    [
        ErrorCodes.InvalidRequest, ErrorCodes.InvalidTopic, ErrorCodes.InvalidFilter, ErrorCodes.Unauthenticated, ErrorCodes.Forbidden, ErrorCodes.NotFound,
        ErrorCodes.IdempotencyConflict, ErrorCodes.PayloadTooLarge, ErrorCodes.UnsupportedMediaType, ErrorCodes.TooManyRequests, ErrorCodes.StorageUnavailable,
            Problem.InternalError,
    ];

    public static void Correct(OpenApiOptions options)
    {
        options.AddSchemaTransformer((schema, context, _) =>
        {
            Correct(schema, context);
            return Task.CompletedTask;
        });
        options.AddDocumentTransformer((document, _, _) =>
        {
            foreach (var schema in document.Components?.Schemas?.Values ?? []) WithoutNull(schema);
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
        if (wire == typeof(PublishRequest) || wire == typeof(BatchPublishRequest)) schema.AdditionalPropertiesAllowed = false; // unknown members are refused
        Rename(schema, context.JsonTypeInfo);
        if (wire == typeof(BatchPublishRequest)) schema.Required = new HashSet<string> { "notifications" };
        string[]? values = (context.JsonPropertyInfo is { } property ? NameOf(property) : null) switch
        {
            "priority" => [Priorities.Low, Priorities.Normal, Priorities.High, Priorities.Urgent],
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
}
