using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Server;
using Notify.Server.Hosting;

namespace Notify.Tests.Faults.Breaking;

/// <summary>A node in this process, on a port of its own: composed as in the service, with one part replaced.</summary>
internal sealed class BrokenNode : IAsyncDisposable
{
    private readonly WebApplication _app;

    private BrokenNode(WebApplication app) => _app = app;

    public Uri Url => new(_app.Urls.Single());

    /// <param name="postgres">The database, as a connection string.</param>
    /// <param name="breakIt">Replaces the part.</param>
    public static async Task<BrokenNode> StartAsync(string postgres, Action<IServiceCollection> breakIt)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection([new("ConnectionStrings:Postgres", postgres), new("Urls", "http://127.0.0.1:0")]);
        builder.Logging.ClearProviders();
        builder.AddProcess();
        builder.Services.AddNotify(builder.Configuration, builder.Environment);
        breakIt(builder.Services);
        var app = builder.Build();
        app.MapNotify();
        app.MapNotifyProcess();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new BrokenNode(app);
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync(CancellationToken.None);
        await _app.DisposeAsync();
    }
}
