using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.HttpOverrides;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Notify.Contracts.Publishing;
using Notify.Server;
using Notify.Server.Hosting;
using Notify.Tests.EndToEnd;

namespace Notify.Tests.Hosting;

/// <summary>The service is reached wherever the app maps it, and from the app's own code.</summary>
public sealed class GuestMappingTests : SomebodysAppTestBase
{
    [Theory]
    [InlineData("", "", "")]
    [InlineData("", "/notify", "/notify")]
    [InlineData("", "/{tenant}/a/notify", "/blue/a/notify")]
    [InlineData("/base", "/notify", "/base/notify")]
    [InlineData("/base", "", "/base")]
    [InlineData("/api/v1/topics/x", "/api/v1/topics/y", "/api/v1/topics/x/api/v1/topics/y")]
    public async Task Below_any_group_and_path_base_the_calls_the_stream_and_the_hub_work_and_Location_is_right(string pathBase, string group, string at)
    {
        await using var app = await SomebodysApp.StartAsync(_ => { }, app =>
        {
            if (pathBase.Length > 0)
            {
                app.UsePathBase(pathBase);
                app.UseRouting();
            }

            (group.Length > 0 ? app.MapGroup(group) : (IEndpointRouteBuilder)app).MapNotify();
        });

        foreach (var (call, body) in new[]
        {
            ("/api/v1/topics/a/api/v1/topics/%C3%A9", "text"), ("/api/v1/notifications", """{"topic":"a/api/v1/topics/é","body":"text"}"""),
        })
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, new Uri(app.Url, at + call));
            request.Content = call.EndsWith("notifications", StringComparison.Ordinal) ? JsonContent.Create(JsonNode.Parse(body)) : new StringContent(body);
            using var posted = await app.Http.SendAsync(request, Cancel);
            Assert.Equal(HttpStatusCode.Created, posted.StatusCode);
            var location = posted.Headers.Location!.ToString();
            Assert.StartsWith($"{at}/api/v1/notifications/", location, StringComparison.Ordinal);
            Assert.Equal("a/api/v1/topics/é", JsonElement.Parse(await app.GetAsync(location)).GetProperty("topic").GetString());
        }

        await using var follower = new StockFollower(new Uri(app.Url, at + "/"));
        await follower.ResumeAsync(0, null, "#");
        Assert.Equal(2, (await follower.Received.CountAsync(2)).Count);
        Assert.Contains("event: notification", await FirstEventAsync(app, $"{at}/api/v1/stream?filter=%23&since=0"), StringComparison.Ordinal);
        using var nothing = await app.SendAsync(HttpMethod.Get, $"{at}/api/v1/nothing");
        Assert.Equal((HttpStatusCode.NotFound, "application/problem+json"), (nothing.StatusCode, nothing.Content.Headers.ContentType?.MediaType));
    }

    [Fact]
    public async Task A_prefix_that_a_proxy_took_off_is_in_the_Location()
    {
        await using var app = await SomebodysApp.StartAsync(
            builder => builder.Services.Configure<ForwardedHeadersOptions>(headers => headers.ForwardedHeaders = ForwardedHeaders.XForwardedPrefix),
            app =>
            {
                app.UseForwardedHeaders();
                app.UseRouting();
                app.MapGroup("/notify").MapNotify();
            });
        using var posted = await app.SendAsync(HttpMethod.Post, "/notify/api/v1/topics/a/b", "text", ("X-Forwarded-Prefix", "/outside"));
        Assert.StartsWith("/outside/notify/api/v1/notifications/", posted.Headers.Location!.ToString(), StringComparison.Ordinal);
        Assert.Equal("a/b", (await posted.Content.ReadFromJsonAsync<JsonElement>(Cancel)).GetProperty("topic").GetString());
    }

    [Fact]
    public async Task The_apps_own_code_publishes_by_the_same_rules()
    {
        await using var app = await SomebodysApp.StartAsync(_ => { }, app => app.MapNotify());
        var publisher = app.Services.GetRequiredService<INotifyPublisher>();
        await using var follower = new StockFollower(app.Url);
        await follower.ResumeAsync(null, null, "#");
        var first = await publisher.PublishAsync(new PublishRequest { Topic = "a", Body = "one", IdempotencyKey = "k" }, Cancel);
        var again = await publisher.PublishAsync(new PublishRequest { Topic = "a", Body = "one", IdempotencyKey = "k" }, Cancel);
        Assert.Equal((first.Id, first.Version), (again.Id, again.Version));
        Assert.Equal("one", (await follower.Received.CountAsync(1))[0].Body);
        Assert.Null((await publisher.PublishAsync(new PublishRequest { Topic = "a", Body = "live", Ephemeral = true }, Cancel)).Version);
        var refused = await Assert.ThrowsAsync<NotifyRefusedException>(() => publisher.PublishAsync(new PublishRequest { Topic = "a/+", Body = "x" }, Cancel));
        Assert.Equal("invalid_topic", refused.Code);
    }

    [Fact]
    public void The_endpoints_say_so_when_the_service_was_not_added() =>
        Assert.Contains("AddNotify", Assert.Throws<InvalidOperationException>(() => WebApplication.Create().MapNotify()).Message, StringComparison.Ordinal);
}
