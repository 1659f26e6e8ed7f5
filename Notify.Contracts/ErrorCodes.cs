namespace Notify.Contracts;

/// <summary>
/// The stable codes of refusals: the <c>code</c> member of a problem document (RFC 9457), and the text before the
/// colon in a <c>HubException</c>. The HTTP status of each stands beside it.
/// </summary>
public static class ErrorCodes
{
    /// <summary>400: a member, parameter or value that the call does not take.</summary>
    public const string InvalidRequest = "invalid_request";

    /// <summary>400: not a topic one may publish to.</summary>
    public const string InvalidTopic = "invalid_topic";

    /// <summary>400: not a topic filter one may follow.</summary>
    public const string InvalidFilter = "invalid_filter";

    /// <summary>401: no credentials, or not valid ones.</summary>
    public const string Unauthenticated = "unauthenticated";

    /// <summary>403: the caller is known and may not do this.</summary>
    public const string Forbidden = "forbidden";

    /// <summary>404: there is no such thing.</summary>
    public const string NotFound = "not_found";

    /// <summary>409: the idempotency key was used with another request.</summary>
    public const string IdempotencyConflict = "idempotency_conflict";

    /// <summary>413: more bytes than <c>Notify:Limits:PayloadBytes</c> allows.</summary>
    public const string PayloadTooLarge = "payload_too_large";

    /// <summary>415: a body of a media type that the call does not take.</summary>
    public const string UnsupportedMediaType = "unsupported_media_type";

    /// <summary>429: over a limit; comes with <c>Retry-After</c>.</summary>
    public const string TooManyRequests = "too_many_requests";

    /// <summary>
    /// 503: the storage did not answer; comes with <c>Retry-After</c>. A publish so refused may or may not be stored:
    /// repeat it under its idempotency key.
    /// </summary>
    public const string StorageUnavailable = "storage_unavailable";
}
