using System.Net;
using System.Security.Claims;
using System.Text.Json;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.DependencyInjection;
using Notify.Server;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hosting;

/// <summary>The principal that an app has authenticated as the caller: its user, its grants, its origin and its end.</summary>
public sealed class HostPrincipalTests
{
    private const string SameOrigin = "Sec-Fetch-Site";

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_sign_in_of_the_app_makes_the_caller_with_its_grants_until_it_is_revoked()
    {
        await using var app = await StartAsync();
        var alice = await SignInAsync(app, "alice", "staff");
        var bob = await SignInAsync(app, "bob", "customer");

        Assert.Equal(401, await StatusAsync(app, HttpMethod.Get, "users/me"));
        var me = JsonElement.Parse(await TextAsync(app, "users/me", alice));
        Assert.Equal(("alice", """["of/alice/#"]""", """["news/#"]"""), (me.GetProperty("user").GetString(), me.GetProperty("subscribe").GetRawText(), me.GetProperty("publish").GetRawText()));
        Assert.Equal("""["staff"]""", me.GetProperty("tokenGroups").GetRawText());
        Assert.Equal("[]", JsonElement.Parse(await TextAsync(app, "users/me", bob)).GetProperty("publish").GetRawText());

        // Every call that changes something says where it comes from; reading needs it not, since no page of others can read the answer.
        (string, string)[] fromHere = [("Cookie", alice), (SameOrigin, "same-origin")];
        Assert.Equal(201, await StatusAsync(app, HttpMethod.Post, "topics/news/a", fromHere));
        Assert.Equal(201, await StatusAsync(app, HttpMethod.Post, "topics/news/a", ("Cookie", alice), ("Origin", app.Url.GetLeftPart(UriPartial.Authority))));
        Assert.Equal(403, await StatusAsync(app, HttpMethod.Post, "topics/news/a", ("Cookie", bob), (SameOrigin, "same-origin")));
        Assert.Equal(200, await StatusAsync(app, HttpMethod.Get, "notifications?filter=of/alice/x", ("Cookie", alice)));
        (string, string)[][] elsewhere =
            [[], [(SameOrigin, "cross-site")], [(SameOrigin, "same-site")], [(SameOrigin, "none")], [("Origin", "https://evil.example")], [("Origin", "null")]];
        foreach (var headers in elsewhere)
        {
            foreach (var (method, path) in new[]
            {
                (HttpMethod.Post, "topics/news/a"), (HttpMethod.Post, "users/me/disconnect"), (HttpMethod.Post, "users/me/tokens/revoke"),
                    (HttpMethod.Post, "users/me/inbox/read"),
                (HttpMethod.Patch, "users/me/attributes/self"), (HttpMethod.Delete, "users/me/devices/phone"),
            })
                Assert.Equal((path, 403), (path, await StatusAsync(app, method, path, [("Cookie", alice), .. headers])));
            using var negotiate = await app.SendAsync(HttpMethod.Post, "/hubs/notifications/negotiate?negotiateVersion=1", "", [("Cookie", alice), .. headers]);
            Assert.Equal(HttpStatusCode.Forbidden, negotiate.StatusCode);
            using var connect = await app.SendAsync(HttpMethod.Get, "/hubs/notifications?id=x", null, [("Cookie", alice), .. headers]);
            Assert.Equal(HttpStatusCode.Forbidden, connect.StatusCode);
        }

        // A bad credential beside it never falls through to it.
        Assert.Equal(401, await StatusAsync(app, HttpMethod.Get, "users/me", ("Cookie", alice), ("Authorization", "Bearer bad")));

        // A connection by the cookie, which ends with the ticket: sign-ins up to now are refused, a later one is accepted.
        await using var hub = new HubConnectionBuilder().WithUrl(new Uri(app.Url, "/hubs/notifications"), options =>
        {
            options.Headers["Cookie"] = alice;
            options.Headers["Origin"] = app.Url.GetLeftPart(UriPartial.Authority);
        }).Build();
        var closed = new Observed<Exception?>();
        hub.Closed += error =>
        {
            closed.Add(error);
            return Task.CompletedTask;
        };
        await hub.StartAsync(Cancel);
        Assert.Equal("alice", (await hub.InvokeAsync<JsonElement>("Resume", new { topics = new[] { "of/alice/x" } }, Cancel)).GetProperty("user").GetString());
        Assert.Contains("forbidden",
            (await Assert.ThrowsAsync<HubException>(() => hub.InvokeAsync<JsonElement>("Subscribe", new { topics = new[] { "of/bob/x" } }, Cancel))).Message,
            StringComparison.Ordinal);
        Assert.Equal(204, await StatusAsync(app, HttpMethod.Post, "users/me/tokens/revoke", fromHere));
        await closed.CountAsync(1);
        Assert.Equal(401, await StatusAsync(app, HttpMethod.Get, "users/me", ("Cookie", alice)));
        Assert.Equal(200, await StatusAsync(app, HttpMethod.Get, "users/me", ("Cookie", bob)));
        await Eventually.TrueAsync(async () => await StatusAsync(app, HttpMethod.Get, "users/me", ("Cookie", await SignInAsync(app, "alice", "staff"))) == 200,
            "a sign-in of a later second is accepted");
    }

    [Fact]
    public async Task A_principal_without_a_ticket_is_disconnected_and_may_come_back_and_sub_beats_the_name_identifier()
    {
        await using var app = await StartAsync();
        (string, string)[] carol = [("X-App-User", "carol"), (SameOrigin, "same-origin")];
        Assert.Equal("carol", JsonElement.Parse(await TextAsync(app, "users/me", null, carol)).GetProperty("user").GetString());
        // no user id: a caller without a user
        Assert.False(JsonElement.Parse(await TextAsync(app, "users/me", null, ("X-App-User", "a/b"))).TryGetProperty("user", out _));
        Assert.Equal(204, await StatusAsync(app, HttpMethod.Post, "users/carol/tokens/revoke", carol));
        Assert.Equal(200, await StatusAsync(app, HttpMethod.Get, "users/me", carol));
    }

    [Fact]
    public async Task It_can_be_turned_off()
    {
        await using var app = await StartAsync(("Notify:Auth:HostPrincipal", "false"));
        Assert.Equal(401, await StatusAsync(app, HttpMethod.Get, "users/me", ("Cookie", await SignInAsync(app, "alice", "staff"))));
    }

    private static Task<SomebodysApp> StartAsync(params (string Key, string Value)[] settings) => SomebodysApp.StartAsync(
        builder => builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(),
        app =>
        {
            app.UseAuthentication();
            app.Use((context, next) =>
            {
                // A scheme of the app's own, which issues no ticket.
                if (context.Request.Headers["X-App-User"].ToString() is { Length: > 0 } user)
                    context.User = new ClaimsPrincipal(new ClaimsIdentity([new("sub", user), new(ClaimTypes.NameIdentifier, "row 42")], "app"));
                return next(context);
            });
            app.UseRouting();
            app.MapNotify();
            app.MapPost("/login", (HttpContext http) => http.SignInAsync(new ClaimsPrincipal(new ClaimsIdentity(
                [new(ClaimTypes.NameIdentifier, http.Request.Query["user"].ToString()), new("department", http.Request.Query["department"].ToString())],
                    CookieAuthenticationDefaults.AuthenticationScheme))));
        },
        [
            ("Notify:Auth:OpenInDevelopment", "false"),
            ("Notify:Auth:Grants:0:Subscribe:0", "of/{user}/#"),
            ("Notify:Auth:Grants:1:Claim", "department"), ("Notify:Auth:Grants:1:Value", "staff"), ("Notify:Auth:Grants:1:Publish:0", "news/#"),
                ("Notify:Auth:Grants:1:Groups:0", "staff"),
            .. settings,
        ]);

    private static async Task<string> SignInAsync(SomebodysApp app, string user, string department)
    {
        using var answer = await app.SendAsync(HttpMethod.Post, $"/login?user={user}&department={department}", "");
        return answer.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private static async Task<string> TextAsync(SomebodysApp app, string path, string? cookie, params (string Name, string Value)[] headers)
    {
        using var answer = await app.SendAsync(HttpMethod.Get, $"/api/v1/{path}", null, cookie is null ? headers : [("Cookie", cookie), .. headers]);
        return await answer.Content.ReadAsStringAsync(Cancel);
    }

    private static async Task<int> StatusAsync(SomebodysApp app, HttpMethod method, string path, params (string Name, string Value)[] headers)
    {
        using var answer =
            await app.SendAsync(method, $"/api/v1/{path}", method == HttpMethod.Post && path.StartsWith("topics/", StringComparison.Ordinal) ? "text" : null,
            headers);
        return (int)answer.StatusCode;
    }
}
