using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Notify.Tests.Authentication;

namespace Notify.Tests.Api;

/// <summary>
/// Every call, with the example that the document has of its body: what is documented is taken, and each answer has the
/// members that the document says it has, no fewer and no others.
/// </summary>
[Collection(nameof(GuardedServer))]
public sealed class DocumentedShapesTests(GuardedServer fixture)
{
    // In an order in which each finds what it needs. "ops" has a rule, "team" has members.
    private static readonly (string Call, int Status, string? Values, bool WithBody)[] Steps =
    [
        ("putGroup", 201, "group=ops", true), ("putGroup", 201, "group=team", false), ("putGroup", 200, "group=team", false),
        ("getGroup", 200, "group=ops", true), ("patchAttributes", 200, null, true), ("getAttributes", 200, null, true),
        ("patchOwnAttributes", 200, "user=root", true), ("previewRule", 200, null, true), ("explainMember", 200, "group=ops", true),
        ("explainMember", 200, "group=team", true), ("addMember", 204, "group=team", true), ("changeMembers", 200, "group=team", true),
        ("listMembers", 200, "group=team&limit=1", true), ("listGroups", 200, "limit=1", true), ("listGroupsOf", 200, null, true),
        ("subscribe", 200, null, true), ("listSubscriptions", 200, null, true), ("publish", 201, null, true), ("publishBatch", 200, null, true),
        ("publishToTopic", 201, null, true), ("list", 200, "filter=orders/%23", true), ("list", 200, "order=desc", true),
        ("list", 200, "since=9999999", true), ("get", 200, "id=last", true), ("get", 404, "id=none", true), ("listInbox", 200, null, true),
        ("inboxSummary", 200, "filter=orders/%23", true), ("seenInbox", 200, null, true), ("readInbox", 200, null, true),
        ("unreadInbox", 200, null, true), ("archiveInbox", 200, null, true), ("listInbox", 200, "state=archived", true),
        ("unarchiveInbox", 200, null, true), ("explain", 200, "version=last", true), ("listDevices", 200, null, true),
        ("forgetDevice", 204, null, true), ("presenceOfUser", 200, null, true), ("presenceOfTopic", 200, null, true), ("me", 200, null, true),
        ("stats", 200, null, true), ("createKey", 201, null, true), ("listKeys", 200, null, true), ("revokeKey", 204, "id=key", true),
        ("unsubscribe", 200, null, true), ("removeMember", 204, "group=team", true), ("deleteGroup", 204, "group=team", true),
        ("disconnect", 204, null, true), ("revokeTokens", 204, null, true), ("revokeTokens", 204, "user=carol", false),
    ];

    private readonly Dictionary<string, string> _known = new() { ["none"] = Guid.Empty.ToString() };
    private JsonElement _document;

    [Fact]
    public async Task Each_call_takes_its_example_and_answers_in_the_documented_shape()
    {
        using (var answer = await fixture.Server.Http.GetAsync(new Uri("openapi/v1.json", UriKind.Relative), Cancel))
            _document = JsonElement.Parse(await answer.Content.ReadAsStringAsync(Cancel));
        var calls = _document.GetProperty("paths").EnumerateObject()
            .SelectMany(path => path.Value.EnumerateObject().Select(call => (Path: path.Name, Method: call.Name, Call: call.Value)))
            .ToDictionary(call => call.Call.GetProperty("operationId").GetString()!);
        Assert.Equal(calls.Keys.Order(StringComparer.Ordinal), Steps.Select(step => step.Call).Append("stream").Distinct().Order(StringComparer.Ordinal));
        foreach (var (name, status, values, withBody) in Steps)
        {
            var (path, method, call) = calls[name];
            using var request = new HttpRequestMessage(HttpMethod.Parse(method), new Uri(Target(path, call, values), UriKind.Relative));
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", GuardedServer.Admin);
            if (withBody && call.TryGetProperty("requestBody", out var body)) request.Content = Example(body);
            using var answer = await fixture.Server.Http.SendAsync(request, Cancel);
            var text = await answer.Content.ReadAsStringAsync(Cancel);
            Assert.True(status == (int)answer.StatusCode, $"{name} {request.RequestUri}: {(int)answer.StatusCode} {text}");
            var documented = Resolve(call.GetProperty("responses").GetProperty($"{status}"));
            if (!documented.TryGetProperty("content", out var content))
            {
                Assert.Empty(text);
                continue;
            }

            var media = content.GetProperty(answer.Content.Headers.ContentType!.MediaType!);
            var json = JsonElement.Parse(text);
            Check(json, media.GetProperty("schema"), name);
            Check(media.GetProperty("example"), media.GetProperty("schema"), $"example of {name}");
            if (name == "publish") (_known["last"], _known["version"]) = (json.GetProperty("id").GetString()!, json.GetProperty("version").GetRawText());
            if (name == "createKey") _known["key"] = json.GetProperty("id").GetString()!;
        }
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    /// <summary>The path with what the step says, and else with the document's examples.</summary>
    private string Target(string path, JsonElement call, string? values)
    {
        var given = (values ?? "").Split('&', StringSplitOptions.RemoveEmptyEntries).ToDictionary(pair => pair.Split('=')[0], pair => pair.Split('=')[1]);
        var query = new List<string>();
        foreach (var parameter in call.TryGetProperty("parameters", out var parameters) ? parameters.EnumerateArray() : [])
        {
            var name = parameter.GetProperty("name").GetString()!;
            var isRequired = parameter.TryGetProperty("required", out _);
            if (!given.TryGetValue(name, out var value) && isRequired) value = parameter.GetProperty("example").ToString();
            if (value is null) continue;
            if (name == "version") value = _known["version"];
            else value = _known.GetValueOrDefault(value, value);
            if (parameter.GetProperty("in").GetString() == "path") path = path.Replace($"{{{name}}}", value, StringComparison.Ordinal);
            else query.Add($"{name}={value}");
        }

        return path.TrimStart('/') + (query.Count == 0 ? "" : "?" + string.Join('&', query));
    }

    private static StringContent Example(JsonElement body)
    {
        var media = body.GetProperty("content").EnumerateObject().First();
        var example = media.Value.GetProperty("example");
        return new StringContent(example.ValueKind == JsonValueKind.String ? example.GetString()! : example.GetRawText(), Encoding.UTF8, media.Name);
    }

    private JsonElement Resolve(JsonElement node) =>
        node.TryGetProperty("$ref", out var reference) ? reference.GetString()!.Split('/')[1..].Aggregate(_document, (at, name) => at.GetProperty(name)) : node;

    private void Check(JsonElement value, JsonElement schema, string where)
    {
        schema = Resolve(schema);
        if (!schema.TryGetProperty("type", out var type)) return;
        var fits = (type.GetString(), value.ValueKind) switch
        {
            ("object", JsonValueKind.Object) or ("array", JsonValueKind.Array) or ("string", JsonValueKind.String) => true,
            ("boolean", JsonValueKind.True or JsonValueKind.False) => true,
            ("integer", JsonValueKind.Number) => value.TryGetInt64(out _),
            _ => false,
        };
        Assert.True(fits, $"{where}: {value} is no {type}");
        if (schema.TryGetProperty("enum", out var few)) Assert.Contains(value.GetString(), few.EnumerateArray().Select(one => one.GetString()));
        if (schema.TryGetProperty("required", out var required))
            Assert.All(required.EnumerateArray(), name => Assert.True(value.TryGetProperty(name.GetString()!, out _), $"{where}: without {name}"));
        if (schema.TryGetProperty("items", out var items))
        {
            foreach (var item in value.EnumerateArray()) Check(item, items, $"{where}[]");
        }

        if (!schema.TryGetProperty("properties", out var properties)) return;
        foreach (var member in value.EnumerateObject())
        {
            Assert.True(properties.TryGetProperty(member.Name, out var property), $"{where}: {member.Name} is not documented");
            Check(member.Value, property, $"{where}.{member.Name}");
        }
    }
}
