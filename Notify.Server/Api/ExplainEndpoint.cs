using System.Globalization;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Contracts.Wire;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Inbox;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>GET /users/{user}/explain</c>: why a user did or did not get a notification.</summary>
internal sealed class ExplainEndpoint(Explaining explaining)
{
    internal static readonly string[] Parameters = ["version", "device"];

    private static readonly Refusal NoVersion = Refusal.Invalid($"'version' is that of a notification: a whole number from 1 to {LogLimits.MaxVersion}.");
    private static readonly Refusal NotFound =
        new(ErrorCodes.NotFound, "There is no notification of this version: it is a change of people, or not stored yet.");

    public async Task GetAsync(HttpContext context, Caller caller)
    {
        var (user, version, device) = ("", 0L, (string?)null);
        var refusal = AccessRules.SeeAdministration(caller) ?? PeopleRequest.User(context, caller, out user) ?? Read(context.Request, out version, out device);
        var found = refusal is null ? await explaining.ExplainAsync(user, version, device, context.RequestAborted) : null;
        if (found is null)
        {
            await Problem.WriteAsync(context, refusal ?? NotFound);
            return;
        }

        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, writer => Write(writer, found, version));
    }

    private static Refusal? Read(HttpRequest request, out long version, out string? device)
    {
        (version, device) = (0, null);
        if (request.Query["version"] is not [{ } text] || !long.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out version)
            || version is < 1 or > LogLimits.MaxVersion) return NoVersion;
        if (request.Query["device"] is not { Count: > 0 } devices) return null;
        device = devices[0];
        return TopicName.IsValidId(device, "device", out var problem) ? null : Refusal.Invalid(problem);
    }

    private static void Write(Utf8JsonWriter writer, Explanation found, long version)
    {
        writer.WriteStartObject();
        writer.WriteNumber("version"u8, version);
        writer.WriteString("verdict"u8, JsonNamingPolicy.CamelCase.ConvertName(found.Verdict.ToString()));
        if (found.Entry is { } entry)
        {
            writer.WriteString("id"u8, entry.Id);
            writer.WriteString("topic"u8, entry.Topic);
            writer.WriteString("publishedAt"u8, Rfc3339Converter.ToText(entry.PublishedAt));
            if (entry.ExpiresAt is { } expires) writer.WriteString("expiresAt"u8, Rfc3339Converter.ToText(expires));
            writer.WriteString("kept"u8, version < found.Head.Oldest ? "inbox"u8 : "log"u8);
        }

        WriteInterests(writer, "interests", found.Interests, version);
        WriteTime(writer, "seenAt", found.Marks.SeenAt);
        WriteTime(writer, "readAt", found.Marks.ReadAt);
        WriteTime(writer, "archivedAt", found.Marks.ArchivedAt);
        writer.WriteStartArray("devices"u8);
        foreach (var device in found.Devices)
        {
            writer.WriteStartObject();
            writer.WriteString("device"u8, device.Device);
            writer.WriteNumber("version"u8, device.Version);
            writer.WriteBoolean("acknowledged"u8, device.Version >= version);
            writer.WriteString("seenAt"u8, Rfc3339Converter.ToText(device.SeenAt));
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteStartArray("connections"u8);
        foreach (var one in found.Connections)
        {
            writer.WriteStartObject();
            if (one.Connection.Device is { } device) writer.WriteString("device"u8, device);
            writer.WriteString("connectedAt"u8, Rfc3339Converter.ToText(one.Connection.ConnectedAt));
            writer.WriteNumber("cursor"u8, one.Cursor);
            WriteInterests(writer, "interests", one.Interests, version);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        if (found.Connections.Count == 0) writer.WriteString("named"u8, "unknown"u8);
        if (found.IsPartial) writer.WriteBoolean("partial"u8, true);
        writer.WriteString("epoch"u8, found.Head.Epoch);
        writer.WriteNumber("head"u8, found.Head.Head);
        writer.WriteNumber("oldest"u8, found.Head.Oldest);
        writer.WriteEndObject();
    }

    private static void WriteInterests(Utf8JsonWriter writer, string name, IReadOnlyList<InterestVerdict> interests, long version)
    {
        writer.WriteStartArray(name);
        foreach (var interest in interests)
        {
            writer.WriteStartObject();
            writer.WriteString("kind"u8, KindOf(interest.Kind));
            writer.WriteString("filter"u8, interest.Filter);
            if (interest.Kind != InterestKind.Own) writer.WriteNumber("since"u8, interest.Since);
            if (interest.Until != Interest.Open) writer.WriteNumber("until"u8, interest.Until);
            writer.WriteString("outcome"u8, interest.Brings ? "brings"u8 : interest.IsAsleep ? "asleep"u8 : version <= interest.Since ? "followedSince"u8
                : "ended"u8);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    private static ReadOnlySpan<byte> KindOf(InterestKind kind) => kind switch
    {
        InterestKind.Named => "named"u8,
        InterestKind.Token => "token"u8,
        InterestKind.Own => "own"u8,
        InterestKind.Membership => "group"u8,
        _ => "subscription"u8,
    };

    private static void WriteTime(Utf8JsonWriter writer, string name, DateTimeOffset? time)
    {
        if (time is { } at) writer.WriteString(name, Rfc3339Converter.ToText(at));
    }
}
