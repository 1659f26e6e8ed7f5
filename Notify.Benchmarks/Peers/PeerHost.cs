using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Notify.Benchmarks.Options;

namespace Notify.Benchmarks.Peers;

/// <summary>The host that the compared servers have in common: as a project template makes it, logging at Warning.</summary>
internal static class PeerHost
{
    public static WebApplicationBuilder Create(Arguments line)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Logging.SetMinimumLevel(LogLevel.Warning).AddFilter("Microsoft", LogLevel.Warning);
        builder.WebHost.UseUrls($"http://127.0.0.1:{line.Number("port", 5080)}");
        builder.Services.TryAddSingleton(TimeProvider.System);
        line.RefuseUnknown();
        return builder;
    }
}
