using Notify.Server.Authentication.Keys;
using Notify.Server.Configuration;
using Notify.Storage;
using Notify.Storage.Directory;

namespace Notify.Server.Hosting;

/// <summary>
/// <c>create-key</c>: stores a new API key and prints it, alone, so that a script can take it. With the service's own settings;
/// beside a running service on Postgres, and before its start on SQLite, whose file belongs to one process.
/// </summary>
internal static class CreateKeyCommand
{
    public const string Name = "create-key";

    private const int MaxNameLength = 128;

    public static async Task RunAsync(WebApplicationBuilder builder, CommandOptions options, CancellationToken cancellationToken)
    {
        if (options.One("name") is not { Length: > 0 and <= MaxNameLength } name || name.Any(char.IsControl))
            throw new SettingsException($"The option --name is missing: what people call the key, in 1 to {MaxNameLength} characters.");

        builder.Logging.ClearProviders(); // the key alone goes to stdout
        await using var app = builder.Build();
        var time = app.Services.GetRequiredService<TimeProvider>();
        var text = KeyText.New();
        var key = new NewApiKey(text.Id, name, text.Hash, options.Filters("publish"), options.Filters("subscribe"), options.Has("admin"), time.GetUtcNow() +
            options.Time("expires"));
        await using var log = await LogStore.OpenAsync(app.Services.GetRequiredService<StorageOptions>(), cancellationToken);
        await log.Directory.ChangeAsync(new ChangeBatch(Guid.CreateVersion7(), [new DirectoryChange.CreateKey(key)], new DirectoryLimits(1, 1)),
            cancellationToken);
        Console.WriteLine(text.Text);
    }
}
