using System.Buffers;
using System.Text.Json;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Publishing;
using Notify.Server.Authentication;

namespace Notify.Server.Http;

/// <summary>
/// Refusals on HTTP: RFC 9457 <c>application/problem+json</c> with a stable <c>code</c>. The one table from codes to
/// statuses.
/// </summary>
internal static class Problem
{
    internal const string ContentType = "application/problem+json";

    /// <summary>The code of a failure that is ours.</summary>
    internal const string InternalError = "internal_error";

    private const string RetryAfterSeconds = "1";

    private static readonly Refusal Internal = new(InternalError, "Something failed here that should not. The server's log says what.");

    /// <summary>The HTTP status of a code.</summary>
    public static int Status(string code) => code switch
    {
        ErrorCodes.InvalidRequest or ErrorCodes.InvalidTopic or ErrorCodes.InvalidFilter => StatusCodes.Status400BadRequest,
        ErrorCodes.Unauthenticated => StatusCodes.Status401Unauthorized,
        ErrorCodes.Forbidden => StatusCodes.Status403Forbidden,
        ErrorCodes.NotFound => StatusCodes.Status404NotFound,
        ErrorCodes.IdempotencyConflict => StatusCodes.Status409Conflict,
        ErrorCodes.PayloadTooLarge => StatusCodes.Status413PayloadTooLarge,
        ErrorCodes.UnsupportedMediaType => StatusCodes.Status415UnsupportedMediaType,
        ErrorCodes.TooManyRequests => StatusCodes.Status429TooManyRequests,
        ErrorCodes.StorageUnavailable => StatusCodes.Status503ServiceUnavailable,
        _ => StatusCodes.Status500InternalServerError,
    };

    /// <summary>Whether it says when to try again.</summary>
    public static bool ComesWithRetryAfter(int status) => status is StatusCodes.Status429TooManyRequests or StatusCodes.Status503ServiceUnavailable;

    /// <summary>Answers with a refusal.</summary>
    public static Task WriteAsync(HttpContext context, Refusal refusal) => WriteAsync(context, refusal, Status(refusal.Code));

    /// <summary>Answers a failure of ours: nothing of it leaves the house.</summary>
    public static Task WriteInternalErrorAsync(HttpContext context) => WriteAsync(context, Internal);

    /// <summary>Answers with a refusal whose status HTTP itself knows better than the code (405, 408, 431).</summary>
    public static Task WriteAsync(HttpContext context, Refusal refusal, int status)
    {
        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json, JsonWriting.Options))
        {
            writer.WriteStartObject();
            writer.WriteString("title", Title(status));
            writer.WriteNumber("status", status);
            writer.WriteString("detail", refusal.Detail);
            writer.WriteString("code", refusal.Code);
            writer.WriteEndObject();
        }

        var headers = context.Response.Headers;
        if (ComesWithRetryAfter(status) && headers.RetryAfter.Count == 0) headers.RetryAfter = RetryAfterSeconds;
        if (status == StatusCodes.Status401Unauthorized && headers.WWWAuthenticate.Count == 0) headers.WWWAuthenticate = Challenge.Plain;
        return JsonAnswer.WriteAsync(context, status, json.WrittenMemory, ContentType);
    }

    /// <summary>What a status means, in a few words.</summary>
    public static string Title(int status) => status switch
    {
        StatusCodes.Status400BadRequest => "Bad request",
        StatusCodes.Status401Unauthorized => "Unauthenticated",
        StatusCodes.Status403Forbidden => "Not allowed",
        StatusCodes.Status404NotFound => "Not found",
        StatusCodes.Status405MethodNotAllowed => "Method not allowed",
        StatusCodes.Status408RequestTimeout => "Request timeout",
        StatusCodes.Status409Conflict => "Idempotency conflict",
        StatusCodes.Status413PayloadTooLarge => "Payload too large",
        StatusCodes.Status415UnsupportedMediaType => "Unsupported media type",
        StatusCodes.Status429TooManyRequests => "Too many requests",
        StatusCodes.Status503ServiceUnavailable => "Storage unavailable",
        >= StatusCodes.Status500InternalServerError => "Internal error",
        _ => "Refused",
    };
}
