using System.Net;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.SignalR.Client;
using Notify.Tests.Fixtures;

namespace Notify.Tests.People;

/// <summary>The inbox as clients see it, on real servers.</summary>
public sealed partial class InboxCallTests(PostgresCluster cluster)
{
    private static string Admin => TestToken.Of("root", new { notify_admin = true });

    private static string Alice => TestToken.Of("alice");

    [Fact]
    public async Task The_guides_example_is_what_happens()
    {
        await using var server = await StartAsync();
        var steps = Row().Matches(await File.ReadAllTextAsync(Path.Combine(Repository.Root, "docs", "inbox.md")));
        Assert.Equal(10, steps.Count);
        foreach (var row in steps.Select(step => step.Groups))
        {
            var answer = await CallAsync(server, HttpMethod.Post, row["path"].Value, Admin, row["body"].Value);
            Assert.True((int)answer.Status is 200 or 201, $"{row[0].Value}: {answer.Text}");
            var summary = (await CallAsync(server, HttpMethod.Get, "users/me/inbox/summary", Alice)).Json;
            var page = (await CallAsync(server, HttpMethod.Get, "users/me/inbox", Alice)).Json;
            var archived = (await CallAsync(server, HttpMethod.Get, "users/me/inbox?state=archived", Alice)).Json;
            Assert.Equal(
                $"{row["unread"].Value}|{row["unseen"].Value}|{row["all"].Value.Trim()}|{row["archived"].Value.Trim()}",
                $"{summary.GetProperty("unread")}|{summary.GetProperty("unseen")}|{Versions(page)}|{Versions(archived)}");
            Assert.Equal(summary.GetRawText(), page.GetProperty("summary").GetRawText());
            Assert.Equal(summary.GetProperty("head").GetInt64(), summary.GetProperty("rev").GetInt64());
            if (row["path"].Value.StartsWith("users", StringComparison.Ordinal)) Assert.Equal(summary.GetRawText(), answer.Json.GetRawText());
        }
    }

    [Fact]
    public async Task A_list_pages_without_skipping_or_repeating_while_new_ones_arrive_and_tells_the_states()
    {
        await using var server = await StartAsync();
        for (var i = 0; i < 7; i++) await PublishAsync(server, "alice");
        await CallAsync(server, HttpMethod.Post, "users/me/inbox/read", Alice, """{"versions":[6]}""");
        var versions = new List<string>();
        for (string? next = ""; next is not null;)
        {
            var page = (await CallAsync(server, HttpMethod.Get, $"users/alice/inbox?state=all&limit=3{next}", Alice)).Json;
            versions.Add(Versions(page));
            next = page.TryGetProperty("next", out var before) ? $"&before={before.GetInt64()}" : null;
            await PublishAsync(server, "alice");
        }

        Assert.Equal(["7 6 5", "4 3 2", "1"], versions);
        var item = (await CallAsync(server, HttpMethod.Get, "users/me/inbox?before=7&limit=1", Alice)).Json.GetProperty("items")[0];
        Assert.Equal(["notification", "seenAt", "readAt"], item.EnumerateObject().Select(member => member.Name));
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$", item.GetProperty("readAt").GetString());
        Assert.Equal("$user/alice", item.GetProperty("notification").GetProperty("topic").GetString());

        var tabs = (await CallAsync(server, HttpMethod.Get, "users/me/inbox/summary?filter=$user/me&filter=$group/ops&filter=orders/%23",
            Alice)).Json.GetProperty("filters");
        Assert.Equal("""[{"filter":"$user/me","unread":9,"unseen":9},{"filter":"$group/ops","unread":0,"unseen":0},{"filter":"orders/#","unread":0,"unseen":0}]""", tabs.GetRawText());
        var marked = (await CallAsync(server, HttpMethod.Post, "users/me/inbox/read", Alice, """{"upTo":9007199254740991,"filter":"$user/me"}""")).Json;
        Assert.Equal((0, "$user/me"), (marked.GetProperty("unread").GetInt32(), marked.GetProperty("filters")[0].GetProperty("filter").GetString()));
        await PublishAsync(server, "alice"); // above the head that the mark was cut to
        Assert.Equal(1, (await CallAsync(server, HttpMethod.Get, "users/me/inbox/summary", Alice)).Json.GetProperty("unread").GetInt32());
    }

    [Fact]
    public async Task What_cannot_be_is_refused_and_other_peoples_inboxes_are_not_there()
    {
        await using var server = await StartAsync();
        (string Call, string? Body, string? Token, HttpStatusCode Status)[] calls =
        [
            ("users/bob/inbox", null, Alice, HttpStatusCode.NotFound),
            ("users/bob/inbox/summary", null, Alice, HttpStatusCode.NotFound),
            ("users/bob/inbox/read", """{"upTo":1}""", Alice, HttpStatusCode.Forbidden),
            ("users/bob/inbox", null, Admin, HttpStatusCode.OK),
            ("users/bob/inbox/read", """{"upTo":1}""", Admin, HttpStatusCode.OK),
            ("users/bob/inbox", null, null, HttpStatusCode.Unauthorized),
            ("users/a%2Fb/inbox", null, Alice, HttpStatusCode.BadRequest),
            ("users/$x/inbox", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox", null, TestToken.Of(null, new { notify_admin = true }), HttpStatusCode.BadRequest),
            ("users/me/inbox?state=some", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?limit=0", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?limit=1001", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?before=0", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?since=1", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?filter=a&filter=b", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?filter=$user/bob", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?filter=$group/%23", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox?filter=", null, Alice, HttpStatusCode.BadRequest),
            ($"users/me/inbox/summary?{string.Join('&', Enumerable.Range(0, 11).Select(i => $"filter=f{i}"))}", null, Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", "{}", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"upTo":1,"versions":[1]}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"versions":[]}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"versions":[0]}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"versions":[1.5]}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"upTo":-1}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"upTo":1,"filter":"a+"}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"upTo":1,"all":true}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/unread", """{"upTo":1}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/unarchive", """{"upTo":1}""", Alice, HttpStatusCode.BadRequest),
            ("users/me/inbox/read", """{"versions":[1,2,999]}""", Alice, HttpStatusCode.OK),
        ];
        foreach (var (call, body, token, status) in calls)
        {
            var answer = await CallAsync(server, body is null ? HttpMethod.Get : HttpMethod.Post, call, token, body);
            Assert.True(status == answer.Status, $"{call} {body}: {answer.Status} {answer.Text}");
        }
    }

    [Fact]
    public async Task Every_device_on_every_node_is_told_the_last_count()
    {
        var postgres = ("ConnectionStrings:Postgres", cluster.ConnectionString(await cluster.CreateDatabaseAsync()));
        await using var first = await StartAsync(postgres);
        await using var second = await StartAsync(postgres);
        await PublishAsync(first, "alice");
        await using var phone = new Badge(first);
        await using var laptop = new Badge(second);
        await using var unasked = new Badge(second, asks: false);
        foreach (var badge in (Badge[])[phone, laptop, unasked]) await badge.StartAsync();
        await phone.ShowsAsync(1, 1); // after its Resume
        await laptop.ShowsAsync(1, 1);

        for (var i = 0; i < 20; i++) await PublishAsync(i % 2 == 0 ? first : second, "alice");
        await phone.ShowsAsync(21, 21);
        await laptop.ShowsAsync(21, 21);
        var marked = (await CallAsync(second, HttpMethod.Post, "users/me/inbox/read", Alice, """{"upTo":10}""")).Json;
        await phone.ShowsAsync(11, 11);
        await laptop.ShowsAsync(11, 11);
        Assert.Equal(11, marked.GetProperty("unread").GetInt32());
        await CallAsync(first, HttpMethod.Post, "users/me/inbox/seen", Alice, """{"upTo":100}""");
        await phone.ShowsAsync(11, 0);
        await laptop.ShowsAsync(11, 0);
        Assert.All(phone.Told, told => Assert.Equal((told.Head, 36), (told.Rev, told.Epoch.Length)));
        Assert.Equal(phone.Told.Select(told => told.Rev).Order(), phone.Told.Select(told => told.Rev));
        Assert.Empty(unasked.Told);
    }

    private static async Task PublishAsync(ServerProcess server, string user)
    {
        var answer = await CallAsync(server, HttpMethod.Post, "notifications", Admin, JsonSerializer.Serialize(new { user, title = "x" }));
        Assert.Equal(HttpStatusCode.Created, answer.Status);
    }

    private static Task<ServerProcess> StartAsync(params (string Name, string Value)[] settings) =>
        ServerProcess.StartAsync([("environment", "Production"), ("Notify:Auth:SigningKey", TestToken.Key), .. settings]);

    private static string Versions(JsonElement page) =>
        string.Join(' ', page.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("notification").GetProperty("version").GetInt64()));

    private static async Task<Reply> CallAsync(ServerProcess server, HttpMethod method, string path, string? bearer, string? body = null)
    {
        using var request = new HttpRequestMessage(method, new Uri($"api/v1/{path}", UriKind.Relative));
        if (bearer is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
        using var response = await server.Http.SendAsync(request);
        return new Reply(response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    [GeneratedRegex(@"^\| `POST (?<path>\S+) (?<body>\{.*\})` \| (?<unread>\d+) \| (?<unseen>\d+) \|(?<all>[\d ]*)\|(?<archived>[\d ]*)\|$",
        RegexOptions.Multiline | RegexOptions.ExplicitCapture)]
    private static partial Regex Row();

    private sealed record Reply(HttpStatusCode Status, string Text)
    {
        public JsonElement Json => JsonElement.Parse(Text);
    }

    private sealed record Counts(long Unread, long Unseen, long Head, string Epoch, long Rev);

    /// <summary>A connection of Alice's.</summary>
    private sealed class Badge : IAsyncDisposable
    {
        private readonly HubConnection _connection;
        private readonly bool _asks;
        private readonly Observed<Counts> _told = new();

        public Badge(ServerProcess server, bool asks = true)
        {
            _asks = asks;
            _connection = new HubConnectionBuilder()
                .WithUrl(new Uri(server.Url, "hubs/notifications"), options => options.AccessTokenProvider = () => Task.FromResult<string?>(Alice)).Build();
            _connection.On<Counts>("InboxChanged", _told.Add);
        }

        public IReadOnlyList<Counts> Told => _told.Items;

        public async Task StartAsync()
        {
            await _connection.StartAsync();
            await _connection.InvokeAsync<JsonElement>("Resume", new { inbox = _asks });
        }

        public Task ShowsAsync(long unread, long unseen) => Eventually.TrueAsync(
            () => Told is [.., var last] && (last.Unread, last.Unseen) == (unread, unseen), $"{unread} unread, {unseen} unseen");

        public ValueTask DisposeAsync() => _connection.DisposeAsync();
    }
}
