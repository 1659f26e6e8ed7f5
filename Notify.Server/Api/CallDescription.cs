namespace Notify.Server.Api;

/// <summary>What the OpenAPI document says about a call.</summary>
/// <param name="Name">Its operation id.</param>
/// <param name="Summary">One line.</param>
internal sealed record CallDescription(string Name, string Summary)
{
    public string Details { get; init; } = "";
    public CallParameter[] Parameters { get; init; } = [];
    public CallBody? Body { get; init; }
    public CallAnswer[] Answers { get; init; } = [];

    /// <summary>The statuses of its problem documents, besides those of every call (400, 401 and 500) and of every body (413 and 415).</summary>
    public int[] Problems { get; init; } = [];

    /// <summary>Callers without a credential may be granted it, or part of it.</summary>
    public bool GoesWithoutCredential { get; init; }
}

/// <summary>A parameter.</summary>
/// <param name="In">query, path or header.</param>
/// <param name="Name">As on the wire.</param>
/// <param name="Type">Its .NET type, for the schema.</param>
/// <param name="Text">What it means.</param>
internal sealed record CallParameter(string In, string Name, Type Type, string Text)
{
    public bool Required { get; init; } = In == "path";

    /// <summary>All values that it takes, where they are few.</summary>
    public string[]? Values { get; init; }
}

/// <summary>A request body.</summary>
/// <param name="Type">The record it is; a string for text.</param>
/// <param name="MediaTypes">As what it may come.</param>
internal sealed record CallBody(Type Type, params string[] MediaTypes)
{
    public bool Required { get; init; } = true;
}

/// <summary>An answer that is no problem.</summary>
internal sealed record CallAnswer(int Status, string Text, Type Type, params string[] Headers)
{
    public string MediaType { get; init; } = MediaTypes.Json;
}

/// <summary>The problem document (RFC 9457), for the schema.</summary>
/// <param name="Title">What the status means.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What to do.</param>
/// <param name="Code">Stable: <c>invalid_request</c> and the like.</param>
internal sealed record ProblemDocument(string Title, int Status, string Detail, string Code);
