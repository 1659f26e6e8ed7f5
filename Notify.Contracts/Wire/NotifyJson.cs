using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace Notify.Contracts.Wire;

/// <summary>
/// How the contract's records look as JSON, in one place for both ends: camelCase, absent values left out, times by
/// <see cref="Rfc3339Converter"/>, text as it is (only what JSON itself demands is escaped). Both instances are
/// read-only; copy one (<c>new JsonSerializerOptions(NotifyJson.Options)</c>) to add to it.
/// </summary>
public static class NotifyJson
{
    /// <summary>For writing, and for reading what a server sent: members of a later version are passed over.</summary>
    public static JsonSerializerOptions Options { get; } = Make(strict: false);

    /// <summary>
    /// For reading what a client sent: unknown and duplicate members are refused, because a mistyped
    /// <c>"ttlSecond"</c> that is silently dropped becomes a notification that never expires.
    /// </summary>
    public static JsonSerializerOptions StrictOptions { get; } = Make(strict: true);

    private static JsonSerializerOptions Make(bool strict)
    {
        var options = new JsonSerializerOptions
        {
            PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            // The answers are application/json and never part of a page, so '<' and 'é' need no escape.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
            UnmappedMemberHandling = strict ? JsonUnmappedMemberHandling.Disallow : JsonUnmappedMemberHandling.Skip,
            AllowDuplicateProperties = !strict,
            Converters = { new Rfc3339Converter() },
            TypeInfoResolverChain = { NotifyJsonContext.Default },
        };
        // A server asks what it reads for its members: a generated one gives every member that has init as a constructor's parameter.
        if (JsonSerializer.IsReflectionEnabledByDefault) options.TypeInfoResolverChain.Insert(strict ? 0 : 1, Reflection());
        options.MakeReadOnly();
        return options;
    }

    // For what is not the contract's: a server's own documents, the data of a program that is not trimmed.
    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification = "Only where the program allows reflection; trimmed ones do not.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "Only where the program allows reflection; native ones do not.")]
    private static DefaultJsonTypeInfoResolver Reflection() => new();
}
