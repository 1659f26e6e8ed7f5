using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hubs;

/// <summary>Calls whose argument is wrong: the member is named, over both protocols, and the connection goes on.</summary>
public sealed class HubArgumentTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Theory]
    [InlineData("Resume", """{"topic":["a"]}""", "Resume has no 'topic'. Did you mean 'topics'?")]
    [InlineData("Resume", """{"Topics":["a"]}""", "Resume has no 'Topics'. Did you mean 'topics'?")]
    [InlineData("Resume", """{"since":0,"sinse":1}""", "Resume has no 'sinse'. Did you mean 'since'?")]
    [InlineData("Resume", """{"colour":1}""", "Resume has no 'colour'. It takes: since, epoch, topics")]
    [InlineData("Resume", """{"":1}""", "Resume has no ''. It takes: ")]
    [InlineData("Resume", """{"topics":"a"}""", "'topics' of Resume is an array of strings.")]
    [InlineData("Resume", """{"topics":["a",5]}""", "'topics' of Resume is an array of strings.")]
    [InlineData("Resume", """{"topics":{"a":1}}""", "'topics' of Resume is an array of strings.")]
    [InlineData("Resume", """{"since":"0"}""", "'since' of Resume is a whole number.")]
    [InlineData("Resume", """{"since":0.5}""", "'since' of Resume is a whole number.")]
    [InlineData("Resume", """{"since":true}""", "'since' of Resume is a whole number.")]
    [InlineData("Resume", """{"since":[1]}""", "'since' of Resume is a whole number.")]
    [InlineData("Resume", """{"epoch":1}""", "'epoch' of Resume is a string.")]
    [InlineData("Resume", "7", "Resume takes one argument, an object with: since, epoch, topics")]
    [InlineData("Resume", "\"a\"", "Resume takes one argument, an object with: ")]
    [InlineData("Resume", """["a"]""", "Resume takes one argument, an object with: ")]
    [InlineData("Subscribe", "{}", "Subscribe needs 'topics': an array of strings.")]
    [InlineData("Subscribe", """{"topics":null}""", "Subscribe needs 'topics': an array of strings.")]
    [InlineData("Subscribe", "null", "Subscribe needs 'topics': an array of strings.")]
    [InlineData("Subscribe", """{"topics":["a"],"durable":"yes"}""", "'durable' of Subscribe is true or false.")]
    [InlineData("Unsubscribe", "{}", "Unsubscribe needs 'topics': an array of strings.")]
    [InlineData("Unsubscribe", """{"topics":["a"],"durable":true}""", "Unsubscribe has no 'durable'. It takes: topics.")]
    [InlineData("Publish", """{"topic":"a","body":5}""", "'body' of Publish is a string.")]
    [InlineData("Publish", """{"topic":"a","body":"x","ttlSecond":5}""", "Publish has no 'ttlSecond'. Did you mean 'ttlSeconds'?")]
    [InlineData("Publish", """{"topic":"a","body":"x","ttlSeconds":"5"}""", "'ttlSeconds' of Publish is a whole number.")]
    [InlineData("Publish", """{"topic":"a","body":"x","tags":"a"}""", "'tags' of Publish is an array of strings.")]
    [InlineData("publish", """{"topic":"a","body":"x","ephemeral":1}""", "'ephemeral' of Publish is true or false.")]
    public async Task Is_told_which_member_it_is(string method, string argument, string expected)
    {
        foreach (var messagePack in new[] { false, true })
        {
            await using var client = await ConnectAsync(messagePack);
            await RefusedAsync(client, method, expected, Plain(JsonElement.Parse(argument)));
            await client.InvokeAsync<JsonElement>("Resume", new Dictionary<string, object> { ["topics"] = new[] { "a" } },
                TestContext.Current.CancellationToken);
        }
    }

    [Fact]
    public async Task Too_few_and_too_many_arguments_are_no_less_a_mistake()
    {
        foreach (var messagePack in new[] { false, true })
        {
            await using var client = await ConnectAsync(messagePack);
            var nothing = new Dictionary<string, object>();
            await RefusedAsync(client, "Resume", "Resume takes one argument, an object with: since, epoch, topics");
            await RefusedAsync(client, "Resume", "Resume takes one argument, an object with: since, epoch, topics", nothing, nothing);
            await RefusedAsync(client, "Publish", "Publish takes one argument, an object with: topic, ", "hub/a", "x");
            await client.InvokeAsync<JsonElement>("Resume", nothing, TestContext.Current.CancellationToken);
            await client.InvokeAsync<JsonElement>("Subscribe", new Dictionary<string, object> { ["topics"] = Array.Empty<string>() },
                TestContext.Current.CancellationToken);
        }
    }

    [Theory]
    [InlineData("""{"since":1,"since":2}""", "'since' of Resume is there twice.")]
    [InlineData("""{"sin\u0063e":1,"since":null}""", "'since' of Resume is there twice.")]
    [InlineData("""{"epoch":"\ud800"}""", "'epoch' of Resume has text that is not valid Unicode.")]
    [InlineData("""{"topics":["a","\udc00"]}""", "'topics' of Resume has text that is not valid Unicode.")]
    [InlineData("""{"\ud800":1}""", "Resume has no '?'. It takes: ")]
    [InlineData("""{"since":1e400}""", "'since' of Resume is a whole number.")]
    public async Task JSON_that_no_client_makes_is_told_too(string argument, string expected)
    {
        await using var client = await ConnectAsync(messagePack: false);
        await RefusedAsync(client, "Resume", expected, new Raw(argument));
        await client.InvokeAsync<JsonElement>("Resume", new Dictionary<string, object>(), TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("""{"topic":"a","data":{"n":[{"x":1,"x":2}]}}""", "The member 'x' of 'data' of Publish is there twice.")]
    [InlineData("""{"topic":"a","data":{"n":"\ud800"}}""", "surrogate")]
    public async Task Data_has_the_rules_of_the_POST(string argument, string expected)
    {
        await using var client = await ConnectAsync(messagePack: false);
        await RefusedAsync(client, "Publish", expected, new Raw(argument));
    }

    [Fact]
    public async Task A_call_that_waits_for_no_answer_leaves_the_connection_open_as_well()
    {
        await using var client = await ConnectAsync(messagePack: true);
        await client.SendAsync("Resume", new Dictionary<string, object> { ["topic"] = 1 }, TestContext.Current.CancellationToken);
        await client.InvokeAsync<JsonElement>("Resume", new Dictionary<string, object>(), TestContext.Current.CancellationToken);
    }

    [Fact]
    public async Task The_log_has_it_at_Debug_and_not_what_was_sent()
    {
        await using var server = await ServerProcess.StartAsync(("Logging:LogLevel:Notify", "Debug"));
        await using var client = await ConnectAsync(messagePack: false, server.Url);
        await RefusedAsync(client, "Resume", "secret", new Dictionary<string, object> { ["secret"] = "word" });
        await Eventually.TrueAsync(() =>
            server.Output.Any(line => line.Contains("A call of Resume was refused", StringComparison.Ordinal)), "it is in the log");
        Assert.DoesNotContain(server.Output, line => line.Contains("secret", StringComparison.Ordinal));
    }

    private static async Task RefusedAsync(HubConnection client, string method, string expected, params object?[] arguments)
    {
        var error = await Assert.ThrowsAsync<HubException>(() =>
            client.InvokeCoreAsync(method, typeof(JsonElement), arguments, TestContext.Current.CancellationToken));
        Assert.Contains("HubException: invalid_request: ", error.Message, StringComparison.Ordinal);
        Assert.True(error.Message.Contains(expected, StringComparison.Ordinal), error.Message);
    }

    private async Task<HubConnection> ConnectAsync(bool messagePack, Uri? url = null)
    {
        var builder = new HubConnectionBuilder().WithUrl(new Uri(url ?? fixture.Url, "hubs/notifications"));
        builder.AddJsonProtocol(options => options.PayloadSerializerOptions.Converters.Add(new RawConverter()));
        if (messagePack) builder.AddMessagePackProtocol();
        var client = builder.Build();
        await client.StartAsync(TestContext.Current.CancellationToken);
        return client;
    }

    /// <summary>As JavaScript would have it: maps, arrays, strings and numbers.</summary>
    private static object? Plain(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => value.EnumerateObject().ToDictionary(member => member.Name, member => Plain(member.Value)),
        JsonValueKind.Array => value.EnumerateArray().Select(Plain).ToArray(),
        JsonValueKind.String => value.GetString(),
        JsonValueKind.Number => value.TryGetInt64(out var whole) ? whole : (object)double.Parse(value.GetRawText(), CultureInfo.InvariantCulture),
        JsonValueKind.Null => null,
        _ => value.GetBoolean(),
    };

    private sealed record Raw(string Json);

    private sealed class RawConverter : System.Text.Json.Serialization.JsonConverter<Raw>
    {
        public override Raw Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) => throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Raw value, JsonSerializerOptions options) =>
            writer.WriteRawValue(value.Json, skipInputValidation: true);
    }
}
