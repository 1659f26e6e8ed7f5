using Microsoft.Net.Http.Headers;
using Notify.Contracts;
using Notify.Engine;

namespace Notify.Server.Http;

/// <summary>Which bodies the calls take.</summary>
internal static class MediaTypes
{
    internal const string Json = "application/json";
    internal const string Text = "text/plain";
    internal const string Any = "*/*";
    internal const string MergePatch = "application/merge-patch+json";
    internal const string EventStream = "text/event-stream";

    private static readonly Refusal NeedsJson = new(
        ErrorCodes.UnsupportedMediaType,
        "This call takes JSON in UTF-8: send 'Content-Type: application/json'.");

    private static readonly Refusal NeedsText = new(
        ErrorCodes.UnsupportedMediaType,
        "This call takes text or JSON in UTF-8, not forms with parts or other encodings.");

    private static readonly Refusal NeedsPlain = new(
        ErrorCodes.UnsupportedMediaType,
        "This call takes no compressed bodies: send it without 'Content-Encoding'.");

    /// <summary>Null for JSON in UTF-8.</summary>
    public static Refusal? RequireJson(HttpRequest request) =>
        IsEncoded(request) ? NeedsPlain
        : string.Equals(request.ContentType, Json, StringComparison.OrdinalIgnoreCase) || (TryParse(request, out var type) && IsJson(type) && IsUtf8(type))
            ? null : NeedsJson;

    /// <summary>Null for JSON in UTF-8, under either name that merge patches come by (RFC 7396 §4).</summary>
    public static Refusal? RequireMergePatch(HttpRequest request) =>
        !IsEncoded(request) && TryParse(request, out var type) && type.MediaType.Equals(MergePatch, StringComparison.OrdinalIgnoreCase) && IsUtf8(type) ? null
            : RequireJson(request);

    /// <summary>
    /// Whether a body is data or text. Anything that is not JSON is text as long as it is UTF-8: what a shell's curl
    /// sends calls itself a form.
    /// </summary>
    public static Refusal? RequireJsonOrText(HttpRequest request, out bool json)
    {
        json = false;
        if (IsEncoded(request)) return NeedsPlain;
        if (string.IsNullOrEmpty(request.ContentType)) return null;
        if (!TryParse(request, out var type) || !IsUtf8(type) || type.Type.Equals("multipart", StringComparison.OrdinalIgnoreCase)) return NeedsText;
        json = IsJson(type);
        return null;
    }

    private static bool IsEncoded(HttpRequest request) =>
        request.Headers.ContentEncoding is { Count: > 0 } encodings
            && !encodings.All(encoding => string.Equals(encoding, "identity", StringComparison.OrdinalIgnoreCase));

    private static bool TryParse(HttpRequest request, out MediaTypeHeaderValue type) => MediaTypeHeaderValue.TryParse(request.ContentType, out type!);

    private static bool IsJson(MediaTypeHeaderValue type) => type.MediaType.Equals(Json, StringComparison.OrdinalIgnoreCase);

    // 'utf8' is no registered name, but common clients send it and nothing else can be meant.
    private static bool IsUtf8(MediaTypeHeaderValue type) =>
        type.Charset.Length == 0
        || HeaderUtilities.RemoveQuotes(type.Charset).ToString().ToLowerInvariant() is "utf-8" or "utf8" or "us-ascii" or "ascii";
}
