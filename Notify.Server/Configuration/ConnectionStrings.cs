using Notify.Engine.Configuration;

namespace Notify.Server.Configuration;

/// <summary>
/// <c>ConnectionStrings:Postgres</c> and <c>ConnectionStrings:Redis</c>: the names that deployments of the service's own program use.
/// Inside a hosting app these names are that app's.
/// </summary>
internal static class ConnectionStrings
{
    private const string Section = "ConnectionStrings";
    private const string Postgres = nameof(NotifyOptions.Postgres);
    private const string Redis = nameof(NotifyOptions.Redis);

    /// <exception cref="SettingsException">A name is a slip, or the same is said twice.</exception>
    public static void Apply(IConfiguration configuration, NotifyOptions options)
    {
        var strings = configuration.GetSection(Section);
        CheckNames(strings);
        options.Postgres = Choose(strings, Postgres, options.Postgres, "a SQLite file is used");
        options.Redis = Choose(strings, Redis, options.Redis, "nodes are joined by Postgres");
    }

    private static string? Choose(IConfigurationSection strings, string name, string? own, string without)
    {
        if (strings[name] is not { } given) return own;

        // A variable of a script that was not filled in: a node that then stores elsewhere than the others looks well.
        if (string.IsNullOrWhiteSpace(given))
            throw new SettingsException($"The setting {Section}:{name} is empty: say where it is, or remove the setting, and {without}.");
        return own is null || own == given
            ? given
            : throw new SettingsException($"{Section}:{name} and {NotifyOptions.Section}:{name} are both set, and differ: remove one.");
    }

    // 'Postgre' would store everything in a SQLite file without a word.
    private static void CheckNames(IConfigurationSection strings)
    {
        foreach (var name in new[] { Postgres, Redis }.Where(name => string.IsNullOrEmpty(strings[name])))
        {
            var slip = strings.GetChildren().FirstOrDefault(other => Spelling.Distance(name, other.Key) is > 0 and <= 2);
            if (slip is not null) throw new SettingsException($"The setting {slip.Path} is unknown. Did you mean {strings.Path}:{name}?");
        }
    }
}
