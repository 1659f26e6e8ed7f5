using Notify.Storage;

namespace Notify.Server.Hosting;

/// <summary>
/// <c>new-epoch</c>: after a logical restore, or on a copied file, tells clients that their versions are of another
/// epoch of the log. Run while the service is stopped; with the service's own settings.
/// </summary>
internal static class NewEpochCommand
{
    public const string Name = "new-epoch";

    public static async Task RunAsync(WebApplicationBuilder builder, CancellationToken cancellationToken)
    {
        builder.Logging.ClearProviders(); // the epoch alone goes to stdout
        await using var app = builder.Build();

        // Without the service's settings this would find nothing, and must not make it: the service's own log would keep its epoch.
        var storage = app.Services.GetRequiredService<StorageOptions>() with { MayCreate = false };
        await using var log = await LogStore.OpenAsync(storage, cancellationToken);
        var epoch = await log.BeginEpochAsync(cancellationToken);
        await Console.Error.WriteLineAsync($"A new epoch of the log has begun in {log.Place}.");
        Console.WriteLine(epoch.ToString());
    }
}
