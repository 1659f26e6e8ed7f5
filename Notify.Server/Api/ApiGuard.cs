using System.Text.Json;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.WebUtilities;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Publishing;
using Notify.Server.Authentication;
using Notify.Server.Security;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary>
/// What every call under <c>/api/v1</c> has around it: the caller, which parameters it takes, how often it may, and a
/// problem document for whatever goes wrong. Part of the endpoints, so that a host's own error handling stays its own.
/// </summary>
internal sealed partial class ApiGuard(Authenticator authenticator, RequestRate rate, ILogger<ApiGuard> logger)
{
    private static readonly Refusal StorageAway = new(ErrorCodes.StorageUnavailable, "The storage does not answer. Try again in a second.");
    private static readonly Refusal BodyTooLarge = new(ErrorCodes.PayloadTooLarge, "The body is larger than this server takes.");

    private static readonly Refusal BadQuery = Refusal.Invalid("The query is not percent-encoded UTF-8: '%' is written %25.");

    /// <summary>The endpoint of a call.</summary>
    public RequestDelegate Wrap(ApiCall call) => context => RunAsync(context, call);

    private async Task RunAsync(HttpContext context, ApiCall call)
    {
        try
        {
            var (caller, refusal) = await authenticator.AuthenticateAsync(context, call.TakesTokenInQuery);
            if (caller is not null
                && (refusal = AccessRules.Enter(caller) ?? CheckQuery(context.Request, call) ?? (call.Publishes ? rate.Check(context, caller) : null)) is null)
            {
                await call.Handler(context, caller);
                return;
            }

            // A rejected credential is rejected in one way everywhere; only what passes by itself may be said in the call's own way.
            if (caller is null && refusal!.Code != ErrorCodes.StorageUnavailable) await Problem.WriteAsync(context, refusal);
            else await call.RefuseAsync(context, refusal!);
        }
        catch (Exception exception) when (context.RequestAborted.IsCancellationRequested || exception is ConnectionResetException
            || exception.InnerException is ConnectionAbortedException)
        {
            // The client left, or this node did after waiting for it: no client is left to answer, and nothing is wrong here.
        }
        catch (Exception exception)
        {
            await AnswerAsync(context, exception, call);
        }
    }

    private async Task AnswerAsync(HttpContext context, Exception exception, ApiCall call)
    {
        if (context.Response.HasStarted)
        {
            Log.CutOff(logger, exception);
            context.Abort(); // half an answer must not look like a whole one
            return;
        }

        switch (exception)
        {
            case StorageUnavailableException or AppendOutcomeUnknownException:
                Log.StorageAway(logger, exception); // the publisher and the tail warn, once and not a thousand times a second
                await call.RefuseAsync(context, StorageAway);
                break;
            case BadHttpRequestException { StatusCode: StatusCodes.Status413PayloadTooLarge }:
                await Problem.WriteAsync(context, BodyTooLarge);
                break;
            case BadHttpRequestException bad:
                await Problem.WriteAsync(context, Refusal.Invalid(bad.Message), bad.StatusCode);
                break;
            case JsonException malformed:
                await Problem.WriteAsync(context, StrictJson.Malformed(malformed));
                break;
            default:
                Log.Failed(logger, exception);
                await Problem.WriteInternalErrorAsync(context);
                break;
        }
    }

    private static Refusal? CheckQuery(HttpRequest request, ApiCall call)
    {
        if (!request.QueryString.HasValue) return null;
        if (!PercentEncoding.TryDecode(request.QueryString.Value, out _)) return BadQuery; // what it is read as would be something else
        foreach (var pair in new QueryStringEnumerable(request.QueryString.Value)) // the parsed query takes names of another case for the same
        {
            var name = pair.DecodeName().ToString();
            if (name is not (Authenticator.UserParameter or Authenticator.DeviceParameter) && Array.IndexOf(call.Query, name) < 0)
                return Refusal.Invalid("This call has no parameter " +
                    $"'{(name.Length <= 64 ? name : name[..64])}'.{(call.Query.Length == 0 ? "" : $" It has: {string.Join(", ", call.Query)}.")}");
            if (pair.EncodedValue.IsEmpty && name != QueryFilters.Parameter && Array.IndexOf(call.Lists, name) < 0) // a filter has rules of its own
                return Refusal.Invalid($"'{name}' has no value. Give it one, or leave it out.");
        }

        return null;
    }

    private static partial class Log
    {
        [LoggerMessage(7001, LogLevel.Debug, "A request was answered 503: storage does not answer.")]
        public static partial void StorageAway(ILogger logger, Exception exception);

        [LoggerMessage(7002, LogLevel.Error, "A request failed unexpectedly and was answered 500.")]
        public static partial void Failed(ILogger logger, Exception exception);

        [LoggerMessage(7003, LogLevel.Error, "A response failed after it had begun; the connection was closed.")]
        public static partial void CutOff(ILogger logger, Exception exception);
    }
}
