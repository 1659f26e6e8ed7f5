using System.Net;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.SignalR;
using Notify.Contracts;

namespace Notify.Client;

/// <summary>The service refused a call, or could not be reached within the attempts allowed.</summary>
public sealed partial class NotifyException : Exception
{
    /// <summary>A refusal with its code.</summary>
    public NotifyException(string? code, string message, HttpStatusCode? status = null, Exception? innerException = null)
        : base(message, innerException)
    {
        Code = code;
        Status = status;
    }

    /// <summary>
    /// One of <see cref="ErrorCodes"/>; null when the service gave none: it was not reached, something in between
    /// answered, or SignalR itself refused the call.
    /// </summary>
    public string? Code { get; }

    /// <summary>The HTTP status; null over the hub and when there was no answer.</summary>
    public HttpStatusCode? Status { get; }

    /// <summary>
    /// True where the same call may succeed later. A publish that failed so may or may not be stored: repeat it under
    /// its idempotency key.
    /// </summary>
    public bool IsTransient => Code is ErrorCodes.StorageUnavailable or ErrorCodes.TooManyRequests
        || Code is null && Status is null or HttpStatusCode.TooManyRequests or HttpStatusCode.BadGateway
            or HttpStatusCode.ServiceUnavailable or HttpStatusCode.GatewayTimeout;

    // The server says "code: what to do"; SignalR puts "An unexpected error occurred … HubException: " before it.
    internal static NotifyException From(HubException exception)
    {
        var match = CodeInHubText().Match(exception.Message);
        return match.Success
            ? new NotifyException(match.Groups["code"].Value, match.Groups["detail"].Value, null, exception)
            : new NotifyException(null, exception.Message, null, exception);
    }

    internal static NotifyException FromProblem(HttpStatusCode status, string? mediaType, ReadOnlySpan<byte> body)
    {
        string? code = null, detail = null;
        if (mediaType == "application/problem+json")
        {
            try
            {
                var problem = JsonElement.Parse(body);
                code = Text(problem, "code");
                detail = Text(problem, "detail") ?? Text(problem, "title");
            }
            catch (JsonException)
            {
                // A proxy's half of an answer: the status says enough.
            }
        }

        return new NotifyException(code, detail ?? $"The service answered {(int)status}.", status);
    }

    private static string? Text(JsonElement problem, string name) =>
        problem.ValueKind == JsonValueKind.Object && problem.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String
            ? value.GetString()
            : null;

    [GeneratedRegex(@"(?:^|HubException: )(?<code>[a-z]+(?:_[a-z]+)*): (?<detail>.*)$", RegexOptions.Singleline | RegexOptions.ExplicitCapture)]
    private static partial Regex CodeInHubText();
}
