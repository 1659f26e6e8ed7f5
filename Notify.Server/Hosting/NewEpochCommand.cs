using Notify.Storage.Log;

namespace Notify.Server.Hosting;

/// <summary>
/// <c>new-epoch</c>: after a logical restore, or on a copied file, tells clients that their versions are of another
/// life of the log. Run while the service is stopped; with the service's own settings.
/// </summary>
internal static class NewEpochCommand
{
    public const string Name = "new-epoch";

    public static async Task RunAsync(WebApplicationBuilder builder)
    {
        builder.Logging.ClearProviders(); // the epoch alone goes to stdout
        await using var app = builder.Build();
        await using var log = await app.Services.GetRequiredService<LogOpener>()(CancellationToken.None);
        Console.WriteLine((await log.BeginEpochAsync(CancellationToken.None)).ToString());
    }
}
