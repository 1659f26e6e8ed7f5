using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.SignalR;
using Notify.Contracts;

namespace Notify.Client.Connection;

/// <summary>Why an attempt to connect failed: what SignalR and HTTP throw, as one kind with its cause in words.</summary>
internal static class ConnectionFailure
{
    public static NotifyException Of(Exception error, Uri address) => error switch
    {
        NotifyException known => known,
        HubException refused => NotifyException.From(refused),
        HttpRequestException http when StatusOf(http) is { } status => Answered(status, address, http),
        // An answer to negotiate that is no answer to negotiate: another program listens there.
        InvalidDataException or FormatException => new NotifyException(ErrorCodes.NotFound, $"What answers at {Name(address)} is no Notify.", null, error)
        {
            OnTheWayIn = true,
        },
        TimeoutException or OperationCanceledException => NotifyException.TimedOut($"Connecting to {Name(address)}", error),
        _ => new NotifyException(null, $"The service cannot be reached at {Name(address)}: {Innermost(error).Message}", null, error),
    };

    public static NotifyException Closed(Exception? error) => error switch
    {
        HubException refused => NotifyException.From(refused),
        null => new NotifyException(null, "The connection was closed."),
        _ => new NotifyException(null, $"The connection was lost: {Innermost(error).Message}", null, error),
    };

    private static NotifyException Answered(HttpStatusCode status, Uri address, Exception error)
    {
        var (code, text) = status switch
        {
            HttpStatusCode.Unauthorized => (ErrorCodes.Unauthenticated, "does not accept the credential"),
            HttpStatusCode.Forbidden => (ErrorCodes.Forbidden, "does not let this client in"),
            HttpStatusCode.NotFound => (ErrorCodes.NotFound, "is no Notify (404)"),
            _ => ((string?)null, $"answered {(int)status}"),
        };
        return new NotifyException(code, $"The service at {Name(address)} {text}.", status, error)
        {
            // A 500 of a proxy or of a node that starts is over in a while.
            Failure = (int)status >= 500 || status is HttpStatusCode.RequestTimeout or NotifyException.TooManyRequests ? NotifyFailure.Transient
                : NotifyFailure.Permanent,
            OnTheWayIn = true,
        };
    }

    private static HttpStatusCode? StatusOf(HttpRequestException error)
    {
#if NETSTANDARD
        // There the status is in the text alone.
        var match = Regex.Match(error.Message, @": ([1-5]\d\d)\b", RegexOptions.CultureInvariant);
        return match.Success ? (HttpStatusCode)int.Parse(match.Groups[1].Value, CultureInfo.InvariantCulture) : null;
#else
        return error.StatusCode;
#endif
    }

    // Without a path that may hold a secret.
    private static string Name(Uri address) => address.GetLeftPart(UriPartial.Authority);

    private static Exception Innermost(Exception error)
    {
        while (error.InnerException is { } inner) error = inner;
        return error;
    }
}
