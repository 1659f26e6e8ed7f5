using Notify.Engine;
using Notify.Engine.Access;
using Notify.Server.Authentication;

namespace Notify.Server.Api;

/// <summary>Answers a call of a known caller.</summary>
internal delegate Task ApiHandler(HttpContext context, Caller caller);

/// <summary>One call under <c>/api/v1</c>.</summary>
/// <param name="Methods">The HTTP methods, of which the first one describes it.</param>
/// <param name="Handler">What answers it.</param>
internal sealed record ApiCall(string[] Methods, ApiHandler Handler)
{
    /// <summary>GET, and HEAD with it.</summary>
    internal static readonly string[] Get = [HttpMethods.Get, HttpMethods.Head];

    /// <summary>POST.</summary>
    internal static readonly string[] Post = [HttpMethods.Post];

    /// <summary>The query parameters it takes, besides those that name the caller in Development. Others are refused.</summary>
    public string[] Query { get; init; } = [];

    /// <summary>Whether it takes a token in the query, for browsers, which cannot set headers on it.</summary>
    public bool TakesTokenInQuery => Array.IndexOf(Query, ShownCredential.QueryParameter) >= 0;

    /// <summary>Those of <see cref="Query"/> that may be blank: lists, which may have nothing in them.</summary>
    public string[] Lists { get; init; } = [];

    /// <summary>How a refusal looks; a problem document unless the call has something better.</summary>
    public Func<HttpContext, Refusal, Task> RefuseAsync { get; init; } = (context, refusal) => Problem.WriteAsync(context, refusal);

    /// <summary>Whether <c>Notify:Limits:RequestsPerSecond</c> counts it.</summary>
    public bool Publishes { get; init; }

    /// <summary>What the OpenAPI document says about it.</summary>
    public required CallDescription Description { get; init; }
}
