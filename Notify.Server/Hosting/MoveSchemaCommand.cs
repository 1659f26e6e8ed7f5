using Notify.Storage;

namespace Notify.Server.Hosting;

/// <summary>
/// <c>move-schema</c>: takes an installation that an earlier version made, often in <c>public</c>, into the schema that
/// <c>Notify:Storage:Schema</c> names. Run while every node is stopped; with the service's own settings.
/// </summary>
internal static class MoveSchemaCommand
{
    public const string Name = "move-schema";

    public static async Task RunAsync(WebApplicationBuilder builder, CancellationToken cancellationToken)
    {
        builder.Logging.ClearProviders(); // what was done alone goes to stdout
        await using var app = builder.Build();
        Console.WriteLine(await LogStore.MoveSchemaAsync(app.Services.GetRequiredService<StorageOptions>(), cancellationToken));
    }
}
