using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;
using Notify.Contracts.Wire;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Presence;
using Notify.Storage.Log;

namespace Notify.Server.Api;

/// <summary><c>/presence</c> and <c>/users/{user}/presence</c>: the connections on all nodes.</summary>
internal sealed class PresenceEndpoints(PresenceQueries queries, INotificationLog log)
{
    internal static readonly string[] TopicParameters = ["topic", .. PeopleRequest.ListParameters];

    private static readonly Refusal NoTopic = new(ErrorCodes.InvalidRequest, "'topic' is missing: the one topic whose followers are asked for.");
    private static readonly Refusal BadAfter = new(ErrorCodes.InvalidRequest, "'after' is what the page before gave as 'next'.");

    public async Task UserAsync(HttpContext context, Caller caller)
    {
        if ((PeopleRequest.User(context, caller, out var user) ?? AccessRules.SeeUser(caller, user)) is { } refusal)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var page = await queries.OfUserAsync(user, PresencePage.MostLimit, context.RequestAborted);
        var seen = await log.Nodes.LastSeenAsync(user, context.RequestAborted);
        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, writer =>
        {
            writer.WriteStartObject();
            writer.WriteBoolean("online"u8, page.Connections.Count > 0);
            writer.WriteStartArray("connections"u8);
            foreach (var connection in page.Connections) Write(writer, connection with { User = null });
            writer.WriteEndArray();
            if (seen is { } at) writer.WriteString("lastSeenAt"u8, Rfc3339Converter.ToText(at));
            if (page.IsPartial) writer.WriteBoolean("partial"u8, true);
            writer.WriteEndObject();
        });
    }

    public async Task TopicAsync(HttpContext context, Caller caller)
    {
        var (limit, after, topic) = (0, (string?)null, "");
        var refusal = AccessRules.AskForOneself(caller) ?? Topic(context.Request, out topic) ?? AccessRules.SeePresence(caller, topic)
            ?? PeopleRequest.Page(context, out limit, out after);
        string? place = null;
        if (refusal is null && after is not null && !TryPlace(after, out place)) refusal = BadAfter;
        if (refusal is not null)
        {
            await Problem.WriteAsync(context, refusal);
            return;
        }

        var page = await queries.OfTopicAsync(topic, place, limit, context.RequestAborted);
        await PeopleRequest.WriteAsync(context, StatusCodes.Status200OK, writer =>
        {
            writer.WriteStartObject();
            writer.WriteString("topic"u8, topic);
            writer.WriteNumber("count"u8, page.Count);
            writer.WriteStartArray("items"u8);
            foreach (var connection in page.Connections) Write(writer, connection);
            writer.WriteEndArray();
            if (page.Next is { } next) writer.WriteString("next"u8, Base64Url.EncodeToString(Encoding.UTF8.GetBytes(next)));
            if (page.IsPartial) writer.WriteBoolean("partial"u8, true);
            writer.WriteEndObject();
        });
    }

    private static Refusal? Topic(HttpRequest request, out string topic)
    {
        topic = "";
        if (request.Query["topic"] is not [{ } named]) return NoTopic;
        topic = named;
        return TopicName.IsValid(named, out var problem) ? null : new Refusal(ErrorCodes.InvalidTopic, problem);
    }

    private static bool TryPlace(string after, out string? place)
    {
        place = null;
        var bytes = new byte[after.Length];
        if (!Base64Url.IsValid(after) || !Base64Url.TryDecodeFromChars(after, bytes, out var written)) return false;
        place = Encoding.UTF8.GetString(bytes, 0, written);
        return place.Length > 0;
    }

    private static void Write(Utf8JsonWriter writer, LocalConnection connection)
    {
        writer.WriteStartObject();
        if (connection.User is { } user) writer.WriteString("user"u8, user);
        if (connection.Device is { } device) writer.WriteString("device"u8, device);
        writer.WriteString("connectedAt"u8, Rfc3339Converter.ToText(connection.ConnectedAt));
        writer.WriteEndObject();
    }
}
