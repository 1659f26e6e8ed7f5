using System.Text.Json;
using Notify.Contracts.Wire;

namespace Notify.Cli.Contexts;

/// <summary>Where a service is, and with what to call it.</summary>
internal sealed record CliContext
{
    public Uri? Url { get; init; }

    public string? Token { get; init; }

    public string? User { get; init; }

    public string? Device { get; init; }
}

/// <summary>
/// Services by name, as kubectl keeps clusters: <c>~/.config/notify/config.json</c> (<c>XDG_CONFIG_HOME</c>, on Windows <c>%APPDATA%</c>), or
/// where <c>NOTIFY_CONFIG</c> says. It holds credentials, so its owner alone may read it.
/// </summary>
internal sealed record ContextFile
{
    private static readonly JsonSerializerOptions Options = new(NotifyJson.Options) { WriteIndented = true };

    public string? Current { get; init; }

    public SortedDictionary<string, CliContext> Contexts { get; init; } = new(StringComparer.Ordinal);

    public static string PathOf(CliConsole console)
    {
        if (console.Variable("NOTIFY_CONFIG") is { Length: > 0 } named) return named;
        var folder = console.Variable("XDG_CONFIG_HOME") is { Length: > 0 } xdg ? xdg
            : OperatingSystem.IsWindows() ? Environment.GetFolderPath(Environment.SpecialFolder.ApplicationData)
            : Path.Combine(Environment.GetFolderPath(Environment.SpecialFolder.UserProfile), ".config");
        return Path.Combine(folder, "notify", "config.json");
    }

    public static ContextFile Load(CliConsole console)
    {
        var path = PathOf(console);
        if (!File.Exists(path)) return new ContextFile();
        try
        {
            return JsonSerializer.Deserialize<ContextFile>(File.ReadAllBytes(path), Options) ?? new ContextFile();
        }
        catch (JsonException e)
        {
            throw new UsageException($"{path} is no configuration file: {e.Message}");
        }
    }

    public void Save(CliConsole console)
    {
        var path = PathOf(console);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var options = new FileStreamOptions { Mode = FileMode.Create, Access = FileAccess.Write };
        if (!OperatingSystem.IsWindows()) options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        var next = path + ".next";
        using (var file = new FileStream(next, options)) JsonSerializer.Serialize(file, this, Options);
        File.Move(next, path, overwrite: true);
    }
}
