using Microsoft.AspNetCore.Builder;
using Notify.Server;
using Notify.Tests.Fixtures;
using Notify.Tests.Hosting;

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
    public async Task The_document_in_docs_is_what_an_app_makes_of_its_endpoints()
    {
        await using var app = await SomebodysApp.StartAsync(_ => { }, app =>
        {
            app.MapOpenApi();
            app.MapNotify();
        });
        var made = await app.GetAsync("/openapi/notify.json");
        var own = Server(app.Url);
        Assert.Contains(own, made, StringComparison.Ordinal);
        made = made.Replace(own, Server(new Uri("http://127.0.0.1:5080")), StringComparison.Ordinal).TrimEnd() + "\n";

        if (Environment.GetEnvironmentVariable("NOTIFY_GOLDEN") == "write") await File.WriteAllTextAsync(Kept, made, TestContext.Current.CancellationToken);
        var kept = await File.ReadAllTextAsync(Kept, TestContext.Current.CancellationToken);
        if (kept == made) return;
        var (was, now) = kept.Split('\n').Zip(made.Split('\n')).FirstOrDefault(lines => lines.Item1 != lines.Item2, ("(its end)", "(its end)"));
        Assert.Fail($"The API document is not docs/openapi.json any more. Where the file has\n{was}\nthe service says\n{now}\n" +
            "If that is meant, write the file anew with NOTIFY_GOLDEN=write and this test, and let its change be reviewed.");
    }

    [Fact]
    public async Task The_own_process_serves_the_document_in_docs_with_its_own_address()
    {
        await using var host = await ApiHost.StartAsync();
        var served = await host.GetAsync("/openapi/v1.json");
        Assert.Equal("application/json", served.ContentHeaders.ContentType?.MediaType);
        var kept = await File.ReadAllTextAsync(Kept, TestContext.Current.CancellationToken);
        Assert.Equal(kept.Replace(Server(new Uri("http://127.0.0.1:5080")), Server(host.Client.BaseAddress!), StringComparison.Ordinal), served.Text);
        (await host.GetAsync("/openapi/v2.json")).IsProblem(404, "not_found");
    }

    private static string Kept => Path.Combine(Repository.Root, "docs", "openapi.json");

    private static string Server(Uri address) => $"\"url\": \"{address.GetLeftPart(UriPartial.Authority)}\"";
}
