// A shop with a login, pages, a hub, an OpenAPI document, health and tables of its own, which hosts Notify below /notify.
using System.Security.Claims;
using InYourApp;
using Microsoft.AspNetCore.Authentication;
using Microsoft.AspNetCore.Authentication.Cookies;
using Microsoft.AspNetCore.Authorization;
using Microsoft.EntityFrameworkCore;
using Notify.Contracts.Publishing;
using Notify.Server;
using Notify.Server.Hosting;

var builder = WebApplication.CreateBuilder(args);
var postgres = builder.Configuration.GetConnectionString("Shop"); // without it two SQLite files: the shop's, and Notify's

builder.Services.AddDbContext<ShopContext>(options => ShopContext.Use(options, postgres));
builder.Services.AddAuthentication(CookieAuthenticationDefaults.AuthenticationScheme).AddCookie(cookie => cookie.LoginPath = "/login");
builder.Services.AddAuthorizationBuilder().SetFallbackPolicy(new AuthorizationPolicyBuilder().RequireAuthenticatedUser().Build());
builder.Services.AddSignalR();
builder.Services.AddOpenApi();

// Notify: in the same database, in a schema of its own. Whoever the shop has signed in is the caller, with what Notify:Auth:Grants
// gives in appsettings.json. Everything else about it is below "Notify" in the configuration too.
builder.AddNotify(options => options.Postgres = postgres);
builder.Services.AddHealthChecks().AddCheck<ShopCheck>("shop").AddNotify();

var app = builder.Build();
await using (var scope = app.Services.CreateAsyncScope()) await scope.ServiceProvider.GetRequiredService<ShopContext>().CreateTablesAsync();

app.UseAuthentication();
app.UseAuthorization();
app.UseDefaultFiles();
app.UseStaticFiles();

app.MapGroup("/notify").MapNotify();

app.MapHealthChecks("/health").AllowAnonymous();
app.MapOpenApi().AllowAnonymous(); // the shop's at /openapi/v1.json, Notify's at /openapi/notify.json
app.MapHub<ChatHub>("/chat");
app.MapGet("/login", () => Results.Content("""<form method="post"><input name="user" value="alice"><button>Log in</button></form>""", "text/html")).AllowAnonymous().ExcludeFromDescription();
app.MapPost("/login", async (HttpContext http) =>
{
    var user = (await http.Request.ReadFormAsync())["user"].ToString();
    var identity = new ClaimsIdentity([new Claim(ClaimTypes.NameIdentifier, user)], CookieAuthenticationDefaults.AuthenticationScheme);
    await http.SignInAsync(new ClaimsPrincipal(identity));
    return Results.Redirect("/");
}).AllowAnonymous().ExcludeFromDescription();

app.MapGet("/me", (ClaimsPrincipal user) => user.FindFirstValue(ClaimTypes.NameIdentifier));
app.MapGet("/orders", (ShopContext shop) => shop.Orders.OrderBy(order => order.Id).ToListAsync());
app.MapPost("/orders", async (NewOrder order, ClaimsPrincipal user, ShopContext shop, INotifyPublisher notify) =>
{
    var stored = shop.Orders.Add(new Order { Customer = user.FindFirstValue(ClaimTypes.NameIdentifier)!, Total = order.Total }).Entity;
    await shop.SaveChangesAsync();

    // Under the order's key: if the answer is lost, it may be published again and comes once.
    await notify.PublishAsync(new PublishRequest
    {
        User = stored.Customer,
        Title = $"Order {stored.Id} received",
        Link = $"/orders/{stored.Id}",
        IdempotencyKey = $"order-{stored.Id}"
    });
    return TypedResults.Created($"/orders/{stored.Id}", stored);
});

await app.RunAsync();
