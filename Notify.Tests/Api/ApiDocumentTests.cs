using Notify.Tests.Fixtures;

namespace Notify.Tests.Api;

/// <summary>What generators of clients make of the API document, and that its changes are seen in review.</summary>
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
        Assert.Equal(["bearer", "apiKey", "accessToken"],
            document.GetProperty("components").GetProperty("securitySchemes").EnumerateObject().Select(scheme => scheme.Name));
        // Generators take the first media type: with JSON first, "Backup done" would go out in quotes.
        // JSON's own name stays away: some take it wherever it stands.
        var topic = document.GetProperty("paths").GetProperty("/api/v1/topics/{topic}").GetProperty("post").GetProperty("requestBody").GetProperty("content");
        Assert.Equal(["text/plain", "*/*"], topic.EnumerateObject().Select(media => media.Name));
    }

    [Fact]
    public async Task The_document_is_the_one_in_docs()
    {
        await using var host = await ApiHost.StartAsync();
        var served = (await host.GetAsync("/openapi/v1.json")).Text;
        var own = $"\"url\": \"{host.Client.BaseAddress!.GetLeftPart(UriPartial.Authority)}\"";
        Assert.Contains(own, served, StringComparison.Ordinal);
        served = served.Replace(own, "\"url\": \"http://127.0.0.1:5080\"", StringComparison.Ordinal).TrimEnd() + "\n";

        var path = Path.Combine(Repository.Root, "docs", "openapi.json");
        if (Environment.GetEnvironmentVariable("NOTIFY_GOLDEN") == "write") await File.WriteAllTextAsync(path, served, TestContext.Current.CancellationToken);
        var kept = await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken);
        if (kept == served) return;
        var (was, now) = kept.Split('\n').Zip(served.Split('\n')).FirstOrDefault(lines => lines.Item1 != lines.Item2, ("(its end)", "(its end)"));
        Assert.Fail($"The API document is not docs/openapi.json any more. Where the file has\n{was}\nthe service says\n{now}\n" +
            "If that is meant, write the file anew with NOTIFY_GOLDEN=write and this test, and let its change be reviewed.");
    }
}
