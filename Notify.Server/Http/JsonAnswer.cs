using System.Buffers;

namespace Notify.Server.Http;

/// <summary>A whole JSON answer in one write, with its length.</summary>
internal static class JsonAnswer
{
    internal const string ContentType = "application/json; charset=utf-8";

    public static Task WriteAsync(HttpContext context, int status, ReadOnlyMemory<byte> json, string contentType = ContentType)
    {
        var response = context.Response;
        response.StatusCode = status;
        response.ContentType = contentType;
        response.ContentLength = json.Length;

        // What is read is of now and of this caller: without a word of it, a cache may keep a page, and a 404 for good.
        if (HttpMethods.IsGet(context.Request.Method) || HttpMethods.IsHead(context.Request.Method)) response.Headers.CacheControl = "no-store";
        if (HttpMethods.IsHead(context.Request.Method)) return Task.CompletedTask;

        // Copied before the call returns, whatever an app's middleware has put in the body's place: WriteAsync may still read it after.
        response.BodyWriter.Write(json.Span);
        var write = response.BodyWriter.FlushAsync(context.RequestAborted);
        return write.IsCompletedSuccessfully ? Task.CompletedTask : write.AsTask();
    }
}
