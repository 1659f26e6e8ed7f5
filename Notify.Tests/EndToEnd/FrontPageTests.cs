using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Notify.Tests.Api;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

public class FrontPageTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task On_the_page_of_the_stock_client_a_person_sees_live_goes_away_comes_back_and_sees_what_was_missed()
    {
        await using var script = await NodeScript.StartAsync(
            "plain-signalr.mjs", fixture.Url.ToString().TrimEnd('/'), Repository.TestResults, ChromiumPage.Executable);
        await script.WaitForExitAsync(TimeSpan.FromSeconds(90));

        var live = await script.WaitForAsync("live");
        Assert.Contains("<img src=x", live.GetProperty("live").GetString(), StringComparison.Ordinal); // shown, not run
        Assert.Equal("Notify", live.GetProperty("title").GetString());
        Assert.Equal(0, live.GetProperty("images").GetInt32());
        Assert.Equal(1, (await script.WaitForAsync("away")).GetProperty("away").GetInt32());

        var back = await script.WaitForAsync("back");
        Assert.Equal(["3", "2", "1"], back.GetProperty("back").Deserialize<List<string>>()!); // newest first, each once
        Assert.Equal(2, back.GetProperty("missed").GetInt32());
        var reloaded = await script.WaitForAsync("reloaded");
        Assert.Equal(["4", "3", "2", "1"], reloaded.GetProperty("reloaded").Deserialize<List<string>>()!); // the last ones are there
        Assert.Equal(0, reloaded.GetProperty("missedAfterReload").GetInt32());
        var reopened = await script.WaitForAsync("reopened");
        Assert.Equal(["6", "5", "4", "3", "2", "1"], reopened.GetProperty("reopened").Deserialize<List<string>>()!);
        Assert.Equal(1, reopened.GetProperty("missedAfterReopening").GetInt32());
        Assert.Equal(["page/between", "page/between", "page/missed", "page/missed", "page/live"], (await script.WaitForAsync("narrowed"))
            .GetProperty("narrowed").Deserialize<List<string>>()!);
        Assert.Equal(0, (await script.WaitForAsync("overflow")).GetProperty("overflow").GetInt32());
        Assert.Empty((await script.WaitForAsync("complaints")).GetProperty("complaints").EnumerateArray());
    }

    [Theory]
    [InlineData("/", "text/html")]
    [InlineData("/start.css", "text/css")]
    [InlineData("/start.js", "text/javascript")]
    [InlineData("/pane.html", "text/html")]
    [InlineData("/pane.js", "text/javascript")]
    [InlineData("/plain-signalr.html", "text/html")]
    [InlineData("/page.css", "text/css")]
    [InlineData("/page.js", "text/javascript")]
    [InlineData("/signalr.min.js", "text/javascript")]
    [InlineData("/notify.js", "text/javascript")]
    [InlineData("/notify-inbox.js", "text/javascript")]
    public async Task The_page_is_served_with_a_strict_policy_and_comes_from_the_cache_when_unchanged(string path, string mediaType)
    {
        using var first = await fixture.Server.Http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, first.StatusCode);
        Assert.Equal(mediaType, first.Content.Headers.ContentType?.MediaType);
        var policy = first.Headers.GetValues("Content-Security-Policy").Single();
        Assert.Contains("default-src 'self'", policy, StringComparison.Ordinal);
        Assert.DoesNotContain("unsafe", policy, StringComparison.Ordinal);

        using var again = new HttpRequestMessage(HttpMethod.Get, new Uri(path, UriKind.Relative));
        again.Headers.IfNoneMatch.Add(new EntityTagHeaderValue(first.Headers.ETag!.Tag));
        using var second = await fixture.Server.Http.SendAsync(again, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.NotModified, second.StatusCode);
    }

    // To try it with is for Development. Elsewhere the page says what runs here and gives nothing to press; the bundles of notify-js are
    // for everybody's pages.
    [Theory]
    [InlineData("Production", "true", "/notify.js /notify-inbox.js / /start.css")]
    [InlineData("Production", "false", "/notify.js /notify-inbox.js")]
    [InlineData("Development", "false", "/notify.js /notify-inbox.js")]
    public async Task Outside_Development_the_page_is_a_statement_and_can_be_switched_off(string environment, string frontPage, string served)
    {
        await using var host =
            await ApiHost.StartAsync(environment, null, ("Notify:Auth:AllowAnonymous", environment == "Production" ? "true" : "false"),
            ("Notify:FrontPage", frontPage));
        string[] all =
            ["/notify.js", "/notify-inbox.js", "/", "/start.css", "/start.js", "/pane.html", "/pane.js", "/plain-signalr.html", "/page.js", "/signalr.min.js",
            "/docs", "/docs/"];
        List<string> there = [];
        foreach (var path in all)
        {
            if ((await host.SendAsync(HttpMethod.Get, path)).Status != 404) there.Add(path);
        }

        Assert.Equal(served.Split(' '), there);
        if (!there.Contains("/")) return;
        var page = (await host.SendAsync(HttpMethod.Get, "/")).Text;
        Assert.Contains("A notification service runs here", page, StringComparison.Ordinal);
        Assert.DoesNotContain("<script", page, StringComparison.Ordinal);
    }
}
