using System.Globalization;
using Notify.Contracts.Topics;
using Notify.Server.Configuration;

namespace Notify.Server.Hosting;

/// <summary>The options of a command, told from the service's settings, which may stand between them.</summary>
internal sealed class CommandOptions
{
    private readonly Dictionary<string, List<string>> _values = new(StringComparer.Ordinal);

    private CommandOptions(string[] settings) => Settings = settings;

    /// <summary>What is left: settings of the service.</summary>
    public string[] Settings { get; private set; }

    /// <param name="args">The command line without the command.</param>
    /// <param name="flags">Options without a value.</param>
    /// <param name="names">Options with a value: <c>--name ops</c> or <c>--name=ops</c>.</param>
    public static CommandOptions Read(string[] args, string[] flags, string[] names)
    {
        var settings = new List<string>();
        var options = new CommandOptions([]);
        for (var i = 0; i < args.Length; i++)
        {
            var equals = args[i].IndexOf('=', StringComparison.Ordinal);
            var name = args[i].StartsWith("--", StringComparison.Ordinal) ? args[i][2..(equals < 0 ? args[i].Length : equals)] : "";
            if (flags.Contains(name, StringComparer.Ordinal) && equals < 0) options.Add(name, "true");
            else if (!names.Contains(name, StringComparer.Ordinal)) settings.Add(args[i]);
            else if (equals >= 0) options.Add(name, args[i][(equals + 1)..]);
            else if (i + 1 < args.Length) options.Add(name, args[++i]);
            else throw new SettingsException($"The option --{name} has no value.");
        }

        options.Settings = [.. settings];
        return options;
    }

    public bool Has(string name) => _values.ContainsKey(name);

    public string? One(string name) => !_values.TryGetValue(name, out var values) ? null
        : values.Count == 1 ? values[0]
        : throw new SettingsException($"The option --{name} is there twice.");

    public IReadOnlyList<string> Filters(string name)
    {
        var filters = _values.GetValueOrDefault(name) ?? [];
        foreach (var filter in filters)
        {
            if (!TopicFilter.TryParseAny(filter, out _, out var problem))
                throw new SettingsException($"The option --{name} is '{filter}', which is no topic filter: {problem}");
        }

        return filters;
    }

    /// <summary>A time such as 90d, 12h, 30m or 45s.</summary>
    public TimeSpan? Time(string name)
    {
        if (One(name) is not { } text) return null;
        var number = text.Length > 1 && int.TryParse(text[..^1], NumberStyles.None, CultureInfo.InvariantCulture, out var value) && value > 0 ? value : 0;
        return (number, text[^1..]) switch
        {
            ( > 0 and <= 36500, "d") => TimeSpan.FromDays(number),
            ( > 0, "h") => TimeSpan.FromHours(number),
            ( > 0, "m") => TimeSpan.FromMinutes(number),
            ( > 0, "s") => TimeSpan.FromSeconds(number),
            _ => throw new SettingsException($"The option --{name} is '{text}', but must be a time such as 90d, 12h, 30m or 45s."),
        };
    }

    private void Add(string name, string value)
    {
        if (!_values.TryGetValue(name, out var values)) _values[name] = values = [];
        values.Add(value);
    }
}
