using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.SignalR;
using Notify.Contracts;
using Notify.Contracts.Publishing;

namespace Notify.Client;

/// <summary>Whether the same call may succeed later.</summary>
public enum NotifyFailure
{
    /// <summary>Yes: the service is away, or says to come back.</summary>
    Transient,

    /// <summary>Yes, although the call may have taken effect: there was no answer in time.</summary>
    TimedOut,

    /// <summary>No: refused for good.</summary>
    Permanent,
}

/// <summary>The service refused a call, or could not be reached within the attempts allowed.</summary>
public sealed class NotifyException : Exception
{
    internal const HttpStatusCode TooManyRequests = (HttpStatusCode)429;

    private static readonly Regex CodeInHubText = new(
        @"(?:^|HubException: )(?<code>[a-z]+(?:_[a-z]+)*): (?<detail>.*)$",
            RegexOptions.Singleline | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);

    /// <summary>A refusal with its code.</summary>
    public NotifyException(string? code, string message, HttpStatusCode? status = null, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
        Status = status;
        Failure = Code is ErrorCodes.StorageUnavailable or ErrorCodes.TooManyRequests
            || (Code is null && Status is null or HttpStatusCode.RequestTimeout or TooManyRequests or HttpStatusCode.BadGateway
                or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout)
            ? NotifyFailure.Transient
            : NotifyFailure.Permanent;
    }

    /// <summary>
    /// One of <see cref="ErrorCodes"/>; null when the service gave none: it was not reached, something in between
    /// answered, or SignalR itself refused the call.
    /// </summary>
    public string? Code { get; }

    /// <summary>The HTTP status; null over the hub and when there was no answer.</summary>
    public HttpStatusCode? Status { get; }

    /// <summary>Whether the same call may succeed later.</summary>
    public NotifyFailure Failure { get; internal init; }

    /// <summary>The service's problem document (RFC 9457); null where there was none.</summary>
    public NotifyProblem? Problem { get; private init; }

    /// <summary>How long the service said to wait; null where it did not say.</summary>
    public TimeSpan? RetryAfter { get; internal init; }

    /// <summary>
    /// For a batch that was split: the answers of the parts that were sent before the one that failed, in the order of the
    /// notifications. Null otherwise.
    /// </summary>
    public IReadOnlyList<BatchItemResult>? Completed { get; internal init; }

    /// <summary>
    /// True where the same call may succeed later. A publish that failed so may or may not be stored: repeat it under
    /// its idempotency key.
    /// </summary>
    public bool IsTransient => Failure != NotifyFailure.Permanent;

    /// <summary>Refused before a call was made: by the way in, which a deployment can break for a while.</summary>
    internal bool OnTheWayIn { get; init; }

    internal static NotifyException TimedOut(string what, Exception? innerException = null) =>
        new(null, $"{what} took too long.", null, innerException) { Failure = NotifyFailure.TimedOut };

    // The server says "code: what to do"; SignalR puts "An unexpected error occurred … HubException: " before it.
    internal static NotifyException From(HubException exception)
    {
        var match = CodeInHubText.Match(exception.Message);
        return match.Success
            ? new NotifyException(match.Groups["code"].Value, match.Groups["detail"].Value, null, exception)
            : new NotifyException(null, exception.Message, null, exception);
    }

    internal static NotifyException FromProblem(HttpStatusCode status, string? mediaType, ReadOnlySpan<byte> body, TimeSpan? retryAfter = null)
    {
        NotifyProblem? problem = null;
        if (mediaType is "application/problem+json" or "application/json")
        {
            try
            {
                problem = NotifyProblem.From(JsonElement.Parse(body));
            }
            catch (JsonException)
            {
                // A proxy's half of an answer: the status says enough.
            }
        }

        return new NotifyException(problem?.Code, problem?.Detail ?? problem?.Title ?? $"The service answered {(int)status}.", status)
        {
            Problem = problem,
            RetryAfter = retryAfter,
        };
    }

    internal NotifyException After(IReadOnlyList<BatchItemResult> completed) => completed.Count == 0
        ? this
        : new NotifyException(Code, Message, Status, this) { Failure = Failure, Problem = Problem, RetryAfter = RetryAfter, Completed = completed };
}

/// <summary>A problem document (RFC 9457).</summary>
/// <param name="Code">One of <see cref="ErrorCodes"/>.</param>
/// <param name="Title">What kind of problem it is.</param>
/// <param name="Detail">What to do.</param>
/// <param name="Document">All of it.</param>
public sealed record NotifyProblem(string? Code, string? Title, string? Detail, JsonElement Document)
{
    internal static NotifyProblem? From(JsonElement document) => document.ValueKind == JsonValueKind.Object
        ? new NotifyProblem(Text(document, "code"), Text(document, "title"), Text(document, "detail"), document)
        : null;

    private static string? Text(JsonElement document, string name) =>
        document.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;
}
