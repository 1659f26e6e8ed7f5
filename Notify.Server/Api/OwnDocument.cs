using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http.Extensions;

namespace Notify.Server.Api;

/// <summary>
/// The OpenAPI document of the service's own process: <c>docs/openapi.json</c>, with the address that it is asked at. An app has one that ASP.NET makes of
/// its endpoints (<see cref="OpenApiOperations"/>), and the file is that of an app that maps the calls at its root. The libraries that make it take
/// 5 MB, which an own process does without.
/// </summary>
internal static class OwnDocument
{
    internal const string Path = "/openapi/v1.json";

    private const string ContentType = "application/json;charset=utf-8";
    private const string WrittenAddress = "http://127.0.0.1:5080"; // of the one server that the file names

    private static readonly Lazy<(string UpToAddress, string AfterAddress)> File = new(Read);

    public static void MapOwnDocument(this IEndpointRouteBuilder routes) => routes.MapMethods(Path, ApiCall.Get, WriteAsync);

    private static Task WriteAsync(HttpContext context)
    {
        var request = context.Request;
        var address = JsonEncodedText.Encode(UriHelper.BuildAbsolute(request.Scheme, request.Host, request.PathBase).TrimEnd('/'));
        var (before, after) = File.Value;
        context.Response.ContentType = ContentType;
        return context.Response.WriteAsync($"{before}{address}{after}", context.RequestAborted);
    }

    private static (string UpToAddress, string AfterAddress) Read()
    {
        using var resource = new StreamReader(typeof(OwnDocument).Assembly.GetManifestResourceStream("api/openapi.json")!, Encoding.UTF8);
        return resource.ReadToEnd().Split(WrittenAddress) is [var before, var after]
            ? (before, after)
            : throw new InvalidOperationException("docs/openapi.json names no server, or more than one.");
    }
}
