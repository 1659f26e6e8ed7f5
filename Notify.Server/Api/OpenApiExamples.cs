using System.Text.Json;
using System.Text.Json.Nodes;
using Notify.Contracts;
using Notify.Contracts.Publishing;
using Notify.Server.Http;

namespace Notify.Server.Api;

/// <summary>
/// What the document shows a reader of each body. All of them are of one story: an order of a shop, a customer, and those
/// on call.
/// </summary>
internal static class OpenApiExamples
{
    private const string Order =
        """
        {
          "version": 1042, "id": "0198c0de-6b4a-7c3e-9d51-0242ac120002", "topic": "orders/eu/42", "topicSeq": 17, "type": "order.created",
          "title": "Order 42", "body": "Two items, paid", "data": { "total": 31.5 }, "priority": "normal", "tags": ["eu"],
          "link": "https://shop.example/orders/42", "publisher": "billing", "publishedAt": "2026-11-23T05:00:00.123Z"
        }
        """;

    private const string Published =
        """{ "id": "0198c0de-6b4a-7c3e-9d51-0242ac120002", "version": 1042, "topic": "orders/eu/42", "publishedAt": "2026-11-23T05:00:00.123Z" }""";

    private const string Epoch = "0198bf00-1d2c-7e4f-8a6b-0242ac120002";

    private const string Counts = "\"unread\": 3, \"unseen\": 1, \"head\": 1042, \"epoch\": \"" + Epoch + "\", \"rev\": 1042";

    private const string Key =
        """
        "id": "5Jx0Qm2b", "name": "billing", "publish": ["orders/#"], "subscribe": [], "admin": false, "createdAt": "2026-11-23T05:00:00.000Z",
        "expiresAt": "2099-01-01T00:00:00.000Z"
        """;

    private static readonly Dictionary<Type, string> Bodies = new()
    {
        [typeof(PublishRequest)] =
            """
            {
              "topic": "orders/eu/42", "type": "order.created", "title": "Order 42", "body": "Two items, paid", "data": { "total": 31.5 },
              "tags": ["eu"], "link": "https://shop.example/orders/42"
            }
            """,
        [typeof(PublishResult)] = Published,
        [typeof(BatchPublishRequest)] =
            """{ "notifications": [{ "topic": "orders/eu/42", "body": "Sent" }, { "user": "alice", "title": "Order 42 is on its way" }] }""",
        [typeof(BatchPublishResult)] =
            """
            {
              "results": [
                {
                  "status": 201, "id": "0198c0de-6b4a-7c3e-9d51-0242ac120002", "version": 1042, "topic": "orders/eu/42",
                  "publishedAt": "2026-11-23T05:00:00.123Z"
                },
                { "status": 400, "code": "invalid_topic", "detail": "A topic has no wildcards." }
              ]
            }
            """,
        [typeof(Notification)] = Order,
        [typeof(NotificationPage)] = $$"""{ "items": [{{Order}}], "next": 1042, "head": 1042, "epoch": "{{Epoch}}" }""",
        [typeof(PutGroupDocument)] = """{ "rule": "@.shift == 'night'" }""",
        [typeof(GroupDocument)] = """{ "name": "ops", "rule": "@.shift == 'night'", "members": 2 }""",
        [typeof(GroupPageDocument)] = """{ "items": [{ "name": "ops", "members": 2 }], "next": "ops" }""",
        [typeof(ChangeMembersDocument)] = """{ "add": ["alice", "bob"], "remove": ["carol"] }""",
        [typeof(MembersChangedDocument)] = """{ "added": 2, "removed": 1, "members": 2 }""",
        [typeof(NamePageDocument)] = """{ "items": ["alice", "bob"], "next": "bob" }""",
        [typeof(TopicsDocument)] = """{ "topics": ["orders/#"] }""",
        [typeof(DevicePageDocument)] = """{ "items": [{ "device": "phone", "version": 1042, "seenAt": "2026-11-23T05:00:00.123Z" }] }""",
        [typeof(InboxPageDocument)] =
            $$"""{ "items": [{ "notification": {{Order}}, "seenAt": "2026-11-23T05:01:00.000Z" }], "next": 1042, "summary": { {{Counts}} } }""",
        [typeof(InboxSummaryDocument)] = $$"""{ {{Counts}}, "filters": [{ "filter": "orders/#", "unread": 2, "unseen": 0 }] }""",
        [typeof(InboxMarkDocument)] = """{ "upTo": 1042, "filter": "orders/#" }""",
        [typeof(InboxVersionsDocument)] = """{ "versions": [1042] }""",
        [typeof(DeliveryExplanationDocument)] =
            $$"""
            {
              "version": 1042, "verdict": "delivered", "id": "0198c0de-6b4a-7c3e-9d51-0242ac120002", "topic": "$group/ops",
              "publishedAt": "2026-11-23T05:00:00.123Z", "kept": "log",
              "interests": [{ "kind": "group", "filter": "$group/ops", "since": 1001, "outcome": "brings" }],
              "devices": [{ "device": "phone", "version": 1042, "acknowledged": true, "seenAt": "2026-11-23T05:00:05.000Z" }],
              "connections": [], "named": "unknown", "epoch": "{{Epoch}}", "head": 1042, "oldest": 1
            }
            """,
        [typeof(Dictionary<string, object>)] = """{ "shift": "night", "languages": ["de", "en"] }""",
        [typeof(PreviewDocument)] = """{ "members": 2, "examples": ["alice", "bob"] }""",
        [typeof(ExplanationDocument)] =
            """
            {
              "member": true, "rule": "@.shift == 'night'",
              "parts": [{ "rule": "@.shift == 'night'", "value": "true" }]
            }
            """,
        [typeof(PresenceDocument)] =
            """{ "topic": "orders/eu/42", "count": 1, "items": [{ "user": "alice", "device": "phone", "connectedAt": "2026-11-23T05:00:00.000Z" }] }""",
        [typeof(UserPresenceDocument)] = """{ "online": true, "connections": [{ "device": "phone", "connectedAt": "2026-11-23T05:00:00.000Z" }] }""",
        [typeof(NewKeyDocument)] = """{ "name": "billing", "publish": ["orders/#"], "expiresAt": "2099-01-01T00:00:00Z" }""",
        [typeof(KeyDocument)] = $$"""{ "key": "ntf_…", {{Key}} }""",
        [typeof(KeyPageDocument)] = $$"""{ "items": [{ {{Key}}, "lastUsedAt": "2026-11-23T05:01:00.000Z" }] }""",
        [typeof(MeDocument)] =
            """
            {
              "user": "alice", "device": "phone", "admin": false, "publish": [], "subscribe": ["orders/#"], "join": ["news"], "groups": ["ops"],
              "tokenGroups": []
            }
            """,
        [typeof(RevokeDocument)] = """{ "issuedBefore": "2026-11-23T05:00:00Z" }""",
        [typeof(StatsDocument)] =
            $$"""
            {
              "epoch": "{{Epoch}}", "head": 1042, "oldest": 1, "topics": 12, "users": 3, "connections": 5,
              "nodes": [
                { "node": "0198bf00-2e3d-7f50-9b7c-0242ac120002", "version": "1.0.0", "connections": 5, "startedAt": "2026-11-23T04:00:00.000Z", "head": 1042 }
              ]
            }
            """,
    };

    /// <summary>An example of a body, if there is one.</summary>
    public static JsonNode? Of(Type type, string mediaType) =>
        type == typeof(string) ? OfText(mediaType) : Bodies.TryGetValue(type, out var json) ? JsonNode.Parse(json) : null;

    /// <summary>An example of a parameter that has to be given.</summary>
    public static JsonNode? OfParameter(string name) => name switch
    {
        "user" => "alice",
        "group" => "ops",
        "device" => "phone",
        "topic" => "orders/eu/42",
        "version" => 1042,
        "id" => "0198c0de-6b4a-7c3e-9d51-0242ac120002",
        _ => null,
    };

    /// <summary>The problem document of a status.</summary>
    public static JsonNode OfProblem(int status)
    {
        var (code, detail) = status switch
        {
            StatusCodes.Status400BadRequest => (ErrorCodes.InvalidRequest, "The body is a JSON object."),
            StatusCodes.Status401Unauthorized => (ErrorCodes.Unauthenticated, "The token has expired."),
            StatusCodes.Status403Forbidden => (ErrorCodes.Forbidden, "This is for administrators."),
            StatusCodes.Status404NotFound => (ErrorCodes.NotFound, "There is no such thing here."),
            StatusCodes.Status409Conflict => (ErrorCodes.IdempotencyConflict, "This key was used for another request."),
            StatusCodes.Status413PayloadTooLarge => (ErrorCodes.PayloadTooLarge, "At most 65536 bytes."),
            StatusCodes.Status415UnsupportedMediaType =>
                (ErrorCodes.UnsupportedMediaType, "This call takes JSON in UTF-8: send 'Content-Type: application/json'."),
            StatusCodes.Status429TooManyRequests => (ErrorCodes.TooManyRequests, "Try again in a second."),
            StatusCodes.Status503ServiceUnavailable => (ErrorCodes.StorageUnavailable, "The storage does not answer. Try again in a second."),
            _ => (Problem.InternalError, "Something failed here that should not. The server's log says what."),
        };
        return new JsonObject { ["title"] = Problem.Title(status), ["status"] = status, ["detail"] = detail, ["code"] = code };
    }

    private static JsonNode OfText(string mediaType) => mediaType switch
    {
        MediaTypes.Any => new JsonObject { ["total"] = 31.5 },
        MediaTypes.EventStream => $"event: notification\nid: 1042\ndata: {JsonNode.Parse(Order)!.ToJsonString(JsonSerializerOptions.Web)}\n\n",
        _ => "Backup done",
    };
}
