using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.SignalR;
using Microsoft.AspNetCore.SignalR.Client;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Engine.Access;
using Notify.Server;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hubs;

/// <summary>The service inside somebody's own ASP.NET app, beside a hub of theirs that must stay as it was.</summary>
public sealed class EmbeddingTests
{
    [Fact]
    public async Task A_stock_hub_beside_ours_stays_as_it_was()
    {
        using var folder = new TempFolder();
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection([new("Notify:Storage:SqlitePath", folder.File("notify.db"))]);
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder.Services.AddSignalR().AddJsonProtocol(json => json.PayloadSerializerOptions.PropertyNamingPolicy = null);
        builder.Services.AddNotify(builder.Configuration, builder.Environment);
        await using var app = builder.Build();
        app.MapHub<TheirHub>("/theirs");
        app.MapGet("/their-page", () => "theirs");
        app.MapNotify();
        await app.StartAsync();
        var url = new Uri(app.Urls.Single());

        await using var theirs = new HubConnectionBuilder().WithUrl(new Uri(url, "/theirs")).Build();
        var heard = new Observed<string>();
        theirs.On<System.Text.Json.JsonElement>("Heard", said => heard.Add(said.GetRawText()));
        await theirs.StartAsync();
        await theirs.InvokeAsync("Say", new { Text = "x", Unknown = 1 }); // ours would refuse the unknown member
        Assert.Equal("""{"Text":"x"}""", (await heard.CountAsync(1))[0]);

        await using var ours = new StockFollower(url);
        await ours.ResumeAsync(null, null, "a");
        using var http = new HttpClient { BaseAddress = url };
        using var published = await http.PostAsync(new Uri("api/v1/topics/a", UriKind.Relative), new StringContent("hello"));
        Assert.Equal("hello", (await ours.Received.CountAsync(1))[0].Body);
        Assert.Equal("theirs", await http.GetStringAsync(new Uri("their-page", UriKind.Relative)));
        await app.StopAsync();
    }

    public sealed record Said(string Text);

    private sealed class TheirHub : Hub
    {
        public Task Say(Said said) => Clients.Caller.SendAsync("Heard", said);
    }
}
