using System.Text;
using Notify.Contracts;
using Notify.Engine;

namespace Notify.Server.Http;

/// <summary>
/// Refusals of the event stream. A browser's EventSource never comes back from a status other than 200 (HTML standard
/// §9.2.3), and nothing in a request tells it from other clients. So what will pass (a node that starts or stops, storage
/// that is away, a limit) is a stream that ends at once and says when to come back; what will not pass is a problem document.
/// </summary>
internal static class StreamRefusal
{
    // Spread, so that the clients of a node that stopped do not come back all at once.
    private const int SoonestMilliseconds = 2_000;
    private const int LatestMilliseconds = 5_000;

    public static Task WriteAsync(HttpContext context, Refusal refusal) =>
        refusal.Code is ErrorCodes.StorageUnavailable or ErrorCodes.TooManyRequests ? EndAsync(context, refusal) : Problem.WriteAsync(context, refusal);

    /// <summary>What every answer of the stream has.</summary>
    public static void WriteHead(HttpResponse response)
    {
        response.StatusCode = StatusCodes.Status200OK;
        response.ContentType = MediaTypes.EventStream;
        response.Headers.CacheControl = "no-cache, no-store";
        response.Headers["X-Accel-Buffering"] = "no"; // nginx would hold events back
    }

    private static Task EndAsync(HttpContext context, Refusal refusal)
    {
        WriteHead(context.Response);
        if (HttpMethods.IsHead(context.Request.Method)) return Task.CompletedTask;
        var retry = Random.Shared.Next(SoonestMilliseconds, LatestMilliseconds);
        return context.Response.WriteAsync($": {refusal.Code}: {refusal.Detail}\nretry: {retry}\n\n", Encoding.UTF8, context.RequestAborted);
    }
}
