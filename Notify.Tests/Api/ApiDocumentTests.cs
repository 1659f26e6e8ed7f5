using System.Text.Json;
using System.Text.Json.Nodes;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Api;

/// <summary>
/// The API document is checked in, so that a change of the API is seen in review. With NOTIFY_GOLDEN=write the file is written anew.
/// </summary>
public class ApiDocumentTests
{
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task What_is_served_is_what_was_reviewed()
    {
        await using var host = await ApiHost.StartAsync();
        var document = JsonNode.Parse((await host.GetAsync("/openapi/v1.json")).Text)!;
        document["servers"] = new JsonArray(new JsonObject { ["url"] = "http://localhost:5080" });
        var text = document.ToJsonString(Indented).ReplaceLineEndings("\n") + "\n";
        var path = Path.Combine(Repository.Root, "docs", "openapi.json");
        if (Environment.GetEnvironmentVariable("NOTIFY_GOLDEN") == "write") await File.WriteAllTextAsync(path, text, TestContext.Current.CancellationToken);
        Assert.Equal(await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken), text);
    }

    [Fact]
    public async Task Every_call_has_a_tag_of_the_document_and_text_comes_first_where_it_is_taken()
    {
        await using var host = await ApiHost.StartAsync();
        var document = (await host.GetAsync("/openapi/v1.json")).Json;
        var tags = document.GetProperty("tags").EnumerateArray().Select(tag => tag.GetProperty("name").GetString()).ToArray();
        foreach (var call in document.GetProperty("paths").EnumerateObject().SelectMany(path => path.Value.EnumerateObject()))
            Assert.Contains(Assert.Single(call.Value.GetProperty("tags").EnumerateArray()).GetString(), tags);
        Assert.Equal(["bearer", "apiKey"], document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(scheme => scheme.Name));
        // Generators take the first media type: with JSON first, "Backup done" would go out in quotes.
        var topic = document.GetProperty("paths").GetProperty("/api/v1/topics/{topic}").GetProperty("post").GetProperty("requestBody").GetProperty("content");
        Assert.Equal("text/plain", topic.EnumerateObject().First().Name);
    }
}
