namespace Notify.Tests.Api;

/// <summary>What generators of clients make of the API document.</summary>
public class ApiDocumentTests
{
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
