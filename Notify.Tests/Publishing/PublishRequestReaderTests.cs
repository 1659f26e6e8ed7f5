using System.Text;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Publishing;
using Notify.Engine;
using Notify.Engine.Publishing;

namespace Notify.Tests.Publishing;

public class PublishRequestReaderTests
{
    private static string Deep(int levels) => string.Concat(Enumerable.Repeat("[", levels)) + string.Concat(Enumerable.Repeat("]", levels));

    private static string DeepObjects(int levels) => string.Concat(Enumerable.Repeat("{\"a\":", levels)) + "1" + new string('}', levels);

    public static TheoryData<string, string> Refused => new()
    {
        // request, code
        { "", ErrorCodes.InvalidRequest },
        { "[]", ErrorCodes.InvalidRequest },
        { "\"x\"", ErrorCodes.InvalidRequest },
        { "{", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x"} x""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x"}{}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x",}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x"/*c*/}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":null,"data":null}""", ErrorCodes.InvalidRequest },
        { """{"title":"x"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","user":"b","title":"x"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","group":"b","title":"x"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"","title":"x"}""", ErrorCodes.InvalidTopic },
        { """{"topic":"a/#","title":"x"}""", ErrorCodes.InvalidTopic },
        { """{"topic":"$user/bob","title":"x"}""", ErrorCodes.InvalidTopic },
        { """{"topic":"a\u0000","title":"x"}""", ErrorCodes.InvalidTopic },
        { """{"user":"a/b","title":"x"}""", ErrorCodes.InvalidRequest },
        { """{"group":"","title":"x"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"\ud800"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"\udc00\ud800"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"\ud800","title":"x"}""", ErrorCodes.InvalidTopic },
        { """{"\ud800":1}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","data":["\udfff"]}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","data":{"\ud83c":1}}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","tags":["\ud800"],"title":"x"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"\ud800\u0041"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"\udc00\udc00"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","data":1e400}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","data":{"a":[-1e999]}}""", ErrorCodes.InvalidRequest },
        { $$"""{"topic":"a","data":1{{new string('0', 400)}}}""", ErrorCodes.InvalidRequest },
        { $$"""{"topic":"a","data":{{Deep(60)}}}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","data":{"a":{"b":1},"a":2}}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","priority":"URGENT"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","tags":"eu"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","tags":[1]}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","tags":[null]}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","tags":[""]}""", ErrorCodes.InvalidRequest },
        { $$"""{"topic":"a","title":"x","tags":[{{string.Join(',', Enumerable.Repeat("\"t\"", 33))}}]}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ttlSeconds":0}""", ErrorCodes.InvalidRequest },
        { $$"""{"topic":"a","title":"x","tags":["{{new string('t', 129)}}"]}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ttlSeconds":-1}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ttlSeconds":1.5}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ttlSeconds":"60"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ttlSeconds":315360001}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ttlSeconds":99999999999999999999}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ephemeral":"true"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","ephemeral":true,"idempotencyKey":"k"}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","idempotencyKey":""}""", ErrorCodes.InvalidRequest },
        { """{"topic":"a","title":"x","idempotencyKey":"a\u0000"}""", ErrorCodes.InvalidRequest },
        { $$"""{"topic":"a","title":"x","idempotencyKey":"{{new string('k', 256)}}"}""", ErrorCodes.InvalidRequest },
    };

    public static TheoryData<string> Taken =>
    [
        """{"t\u006fpic":"a","title":"x"}""",
        $$"""{"topic":"a","title":"x","{{string.Concat("idempotencyKey".Select(c => $"\\u{(int)c:x4}"))}}":"k"}""",
        $$"""{"topic":"a","title":"x","tags":["{{new string('t', 128)}}"]}""",
        $$"""{"topic":"a","title":"x","tags":[{{string.Join(',', Enumerable.Repeat("\"t\"", 32))}}]}""",
        """{"topic":"a","title":"x","ttlSeconds":1}""",
        """{"topic":"a","title":"x","ttlSeconds":315360000}""",
        """{"topic":"a","data":[1e5,-1.5E-300,1e308]}""",
        $$"""{"topic":"a","data":1{{new string('0', 307)}}}""",
        $$"""{"topic":"a","data":{{Deep(59)}}}""",
        $$"""{"topic":"a","data":{{DeepObjects(59)}}}""",
        """{"topic":"a","data":{"a":{"b":1},"b":2}}""",
        $$"""{"topic":"a","data":{"{{new string('n', 2_000)}}":1,"{{new string('m', 9_000)}}":2} }""",
        """{"topic":"a","title":"\ud800\udc00\ud800\udc00 \u0000"}""",
    ];

    /// <summary>Twice, since what a thread has read is kept for its next request.</summary>
    [Theory]
    [MemberData(nameof(Taken))]
    public void What_only_just_keeps_the_rules_is_taken_and_again(string request)
    {
        Assert.NotNull(Command(request));
        Assert.NotNull(Command(request));
    }

    [Theory]
    [InlineData("{\"topic\":\"a\",\n \"title\":tru}", "The JSON is malformed at line 2, byte 13: ")]
    [InlineData("", "There is no JSON in the body.")]
    public void What_is_no_JSON_is_told_with_its_place(string request, string detail)
    {
        var said = Refusal(request).Detail;
        Assert.StartsWith(detail, said, StringComparison.Ordinal);
        Assert.DoesNotContain("LineNumber", said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(64, false)]
    [InlineData(65, true)]
    public void A_long_name_is_told_by_its_beginning(int length, bool isCut)
    {
        var said = Refusal($$"""{"{{new string('n', length)}}":1}""").Detail;
        Assert.Contains($"'{new string('n', 64)}{(isCut ? "…" : "")}'", said, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Refused))]
    public void What_breaks_a_rule_is_refused_with_its_code(string request, string code) => Assert.Equal(code, Refusal(request).Code);

    [Theory]
    [InlineData("""{"topic":"a","title":"x","colour":"red"}""", "colour")]
    [InlineData("""{"topic":"a","title":"x","Title":"x"}""", "Title")]
    [InlineData("""{"topic":"a","title":"x","t\u0069tle":"y"}""", "title")]
    [InlineData("""{"topic":"a","topic":"b","title":"x"}""", "topic")]
    [InlineData("""{"topic":"a","data":{"b":1,"c":{"d":1,"d":2}}}""", "'d'")]
    [InlineData("""{"topic":"a","data":[{"é":1,"\u00e9":2}]}""", "'é'")]
    [InlineData("""{"topic":1,"title":"x"}""", "topic")]
    [InlineData("""{"topic":"a","title":["x"]}""", "title")]
    [InlineData("""{"topic":"a","body":{}}""", "body")]
    [InlineData("""{"topic":"a","title":"x","idempotencyKey":7}""", "idempotencyKey")]
    public void A_refused_member_is_named(string request, string name) => Assert.Contains(name, Refusal(request).Detail, StringComparison.Ordinal);

    [Fact]
    public void The_same_name_in_different_objects_is_no_duplicate() =>
        Assert.NotNull(Command("""{"topic":"a","data":[{"a":{"a":1}},{"a":{"b":{"a":1}},"b":2}]}"""));

    [Fact]
    public void Ten_thousand_names_are_checked()
    {
        var names = string.Join(',', Enumerable.Range(0, 10_000).Select(i => $"\"n{i}\":1"));
        Assert.NotNull(Command($$"""{"topic":"a","data":{ {{names}} } }"""));
        Assert.Contains("'n0'", Refusal($$"""{"topic":"a","data":{ {{names}},"n0":2 } }""").Detail, StringComparison.Ordinal);
    }

    [Fact]
    public void Invalid_UTF8_is_refused_wherever_it_is()
    {
        Assert.Equal(ErrorCodes.InvalidRequest, Refusal([.. "{\"topic\":\"a\",\"title\":\""u8, 0xC3, .. "\"}"u8]).Code);
        Assert.Equal(ErrorCodes.InvalidRequest, Refusal([.. "{\"topic\":\"a\",\"data\":[\""u8, 0xED, 0xA0, 0x80, .. "\"]}"u8]).Code);
    }

    [Theory]
    [InlineData("javascript:alert(1)")]
    [InlineData("\\tjavascript:alert(1)")]
    [InlineData("java\\tscript:alert(1)")]
    [InlineData(" javascript:alert(1)")]
    [InlineData("\\ufeffjavascript:alert(1)")]
    [InlineData("data:text/html,x")]
    [InlineData("ftp://example.com")]
    [InlineData("//evil.example/x")]
    [InlineData("\\\\\\\\evil.example")]
    [InlineData("/\\\\evil.example")]
    [InlineData("https:")]
    [InlineData("https://")]
    [InlineData("http:evil")]
    [InlineData("")]
    public void A_link_that_a_browser_would_run_or_lead_astray_is_refused(string link) =>
        Assert.Contains("'link'", Refusal($$"""{"topic":"a","title":"x","link":"{{link}}"}""").Detail, StringComparison.Ordinal);

    [Theory]
    [InlineData("https://shop.example/orders/42?a=b#c")]
    [InlineData("HTTP://localhost:5000")]
    [InlineData("/orders/42")]
    [InlineData("orders/42?at=10:30")]
    [InlineData("?page=2")]
    [InlineData("#top")]
    [InlineData("/größe")]
    public void A_web_or_relative_link_is_taken(string link) =>
        Assert.Contains($"\"link\":\"{link}\"", Content($$"""{"topic":"a","title":"x","link":"{{link}}"}"""), StringComparison.Ordinal);

    [Theory]
    [InlineData("""{"title":"x","topic":"a"}""", """{"title":"x","priority":"normal"}""")]
    [InlineData("""{"data" : { "total" : 31.50 , "a":[ ] } , "topic":"a"}""", """{"data":{ "total" : 31.50 , "a":[ ] },"priority":"normal"}""")]
    [InlineData("""{"link":"/x","tags":["eu","é"],"priority":"high","body":"b","title":"t","type":"k","topic":"a"}""", """{"type":"k","title":"t","body":"b","priority":"high","tags":["eu","é"],"link":"/x"}""")]
    [InlineData("""{"topic":"a","title":"\u00e9\/<&'\"\n"}""", """{"title":"é/<&'\"\n","priority":"normal"}""")]
    [InlineData("""{"topic":"a","title":"\ud83c\udf89"}""", """{"title":"\uD83C\uDF89","priority":"normal"}""")]
    [InlineData("""{"topic":"a","title":"","type":null,"tags":[]}""", """{"title":"","priority":"normal"}""")]
    [InlineData("""{"topic":"a","data":false}""", """{"data":false,"priority":"normal"}""")]
    [InlineData("""{"topic":"a","data":123456789012345678901234567890}""", """{"data":123456789012345678901234567890,"priority":"normal"}""")]
    public void Content_has_its_members_in_the_fixed_order(string request, string content) => Assert.Equal(content, Content(request));

    [Fact]
    public void A_publisher_with_a_name_is_in_the_content_last()
    {
        Assert.True(PublishRequestReader.TryRead("""{"topic":"a","title":"x"}"""u8, "bi\"lling", out var command, out _));
        Assert.Equal("""{"title":"x","priority":"normal","publisher":"bi\"lling"}""", Encoding.UTF8.GetString(command.Content.Span));
    }

    [Theory]
    [InlineData("""{"topic":"a/b","title":"x"}""", "a/b")]
    [InlineData("""{"user":"alice","title":"x"}""", "$user/alice")]
    [InlineData("""{"group":"ops","title":"x"}""", "$group/ops")]
    public void An_address_becomes_a_topic(string request, string topic) => Assert.Equal(topic, Command(request).Topic);

    [Fact]
    public void The_rest_of_a_request_is_kept()
    {
        var command = Command("""{"topic":"a","title":"x","ttlSeconds":60,"idempotencyKey":"k"}""");
        Assert.Equal((60, false, "k"), (command.TtlSeconds, command.Ephemeral, command.IdempotencyKey));
        Assert.True(Command("""{"topic":"a","title":"x","ephemeral":true}""").Ephemeral);
    }

    [Fact]
    public void A_record_has_the_content_of_its_JSON_with_data_as_it_was_sent()
    {
        const string Json = """{"topic":"a","title":"t","data":{ "n": 1.0 },"tags":["x"],"ttlSeconds":5,"idempotencyKey":"k"}""";
        var record = JsonSerializer.Deserialize<PublishRequest>(Json, JsonSerializerOptions.Web)!;
        Assert.True(PublishRequestReader.TryRead(PublishRequestJson.Write(record).Span, null, out var fromRecord, out _));
        Assert.Equal(Content(Json), Encoding.UTF8.GetString(fromRecord.Content.Span));
        Assert.Equal(("k", 5L), (fromRecord.IdempotencyKey, fromRecord.TtlSeconds!.Value));
    }

    [Fact]
    public void Every_member_of_a_record_is_in_its_JSON()
    {
        var record = new PublishRequest
        {
            Topic = "a",
            Group = "b",
            User = "c",
            Type = "k",
            Title = "t",
            Body = "x",
            Data = JsonElement.Parse("[1]"),
            Priority = "high",
            Tags = ["eu", "us"],
            Link = "/l",
            TtlSeconds = 5,
            Ephemeral = false,
            IdempotencyKey = "i",
        };
        Assert.Equal(
            """{"topic":"a","group":"b","user":"c","type":"k","title":"t","body":"x","data":[1],"priority":"high","tags":["eu","us"]"""
                + ""","link":"/l","ttlSeconds":5,"ephemeral":false,"idempotencyKey":"i"}""",
            Encoding.UTF8.GetString(PublishRequestJson.Write(record).Span));
    }

    private static string Content(string request) => Encoding.UTF8.GetString(Command(request).Content.Span);

    private static PublishCommand Command(string request)
    {
        Assert.True(PublishRequestReader.TryRead(Encoding.UTF8.GetBytes(request), null, out var command, out var refusal), refusal?.Detail);
        return command;
    }

    private static Refusal Refusal(string request) => Refusal(Encoding.UTF8.GetBytes(request));

    private static Refusal Refusal(byte[] request)
    {
        Assert.False(PublishRequestReader.TryRead(request, null, out _, out var refusal));
        return refusal;
    }
}
