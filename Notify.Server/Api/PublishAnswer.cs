using System.Text.Json;
using Notify.Engine;
using Notify.Engine.Publishing;
using Notify.Server.Wire;

namespace Notify.Server.Api;

/// <summary>The answers to publishing, on HTTP.</summary>
internal static class PublishAnswer
{
    internal const string ReplayedHeader = "Idempotency-Replayed";

    /// <summary>201, 200 for a repeat, 202 for an ephemeral one, or the refusal.</summary>
    public static Task WriteAsync(HttpContext context, PublishOutcome outcome)
    {
        if (outcome is PublishOutcome.Refused { Refusal: var refusal }) return Problem.WriteAsync(context, refusal);

        var accepted = (PublishOutcome.Accepted)outcome;
        var headers = context.Response.Headers;
        if (accepted.As == AcceptedAs.Replayed) headers[ReplayedHeader] = "true";
        if (accepted.As != AcceptedAs.Ephemeral) headers.Location = $"{Mount.PathOf(context)}{ApiPaths.Notifications}/{accepted.Id}";

        using var answer = ThreadBuffer.Take(); // copied into the response before the call returns
        answer.Json.WriteStartObject();
        WriteMembers(answer.Json, accepted);
        answer.Json.WriteEndObject();
        answer.Json.Flush();
        return JsonAnswer.WriteAsync(context, Status(accepted), answer.Writer.WrittenMemory);
    }

    /// <summary>The answers to a batch, in its order.</summary>
    public static Task WriteAsync(HttpContext context, IReadOnlyList<PublishOutcome> outcomes)
    {
        using var answer = ThreadBuffer.Take(); // copied into the response before the call returns
        answer.Json.WriteStartObject();
        answer.Json.WriteStartArray("results"u8);
        foreach (var outcome in outcomes) WriteItem(answer.Json, outcome);
        answer.Json.WriteEndArray();
        answer.Json.WriteEndObject();
        answer.Json.Flush();
        return JsonAnswer.WriteAsync(context, StatusCodes.Status200OK, answer.Writer.WrittenMemory);
    }

    private static void WriteItem(Utf8JsonWriter writer, PublishOutcome outcome)
    {
        writer.WriteStartObject();
        switch (outcome)
        {
            case PublishOutcome.Accepted accepted:
                writer.WriteNumber("status"u8, Status(accepted));
                WriteMembers(writer, accepted);
                break;
            case PublishOutcome.Refused { Refusal: var refusal }:
                writer.WriteNumber("status"u8, Problem.Status(refusal.Code));
                writer.WriteString("code"u8, refusal.Code);
                writer.WriteString("detail"u8, refusal.Detail);
                break;
        }

        writer.WriteEndObject();
    }

    private static void WriteMembers(Utf8JsonWriter writer, PublishOutcome.Accepted accepted)
    {
        writer.WriteString("id"u8, accepted.Id);
        if (accepted.As != AcceptedAs.Ephemeral) writer.WriteNumber("version"u8, accepted.Version);
        writer.WriteString("topic"u8, accepted.Topic);
        Span<byte> time = stackalloc byte[WireTime.BufferBytes];
        writer.WriteString("publishedAt"u8, WireTime.Write(accepted.PublishedAt, time));
    }

    private static int Status(PublishOutcome.Accepted accepted) => accepted.As switch
    {
        AcceptedAs.Stored => StatusCodes.Status201Created,
        AcceptedAs.Replayed => StatusCodes.Status200OK,
        _ => StatusCodes.Status202Accepted,
    };
}
