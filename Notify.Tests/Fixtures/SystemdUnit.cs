namespace Notify.Tests.Fixtures;

/// <summary>A unit file: what each setting is given, in order (<c>systemd.syntax(7)</c>).</summary>
internal sealed class SystemdUnit
{
    private readonly List<(string Key, string Value)> _lines;

    public SystemdUnit(string text) => _lines =
    [
        .. text.Split('\n').Select(line => line.Trim()).Where(line => line.Contains('=', StringComparison.Ordinal) && line[0] is not ('#' or ';'))
            .Select(line => (line[..line.IndexOf('=', StringComparison.Ordinal)], line[(line.IndexOf('=', StringComparison.Ordinal) + 1)..])),
    ];

    public string Single(string key) => _lines.Single(line => line.Key == key).Value;

    public IEnumerable<string> All(string key) => _lines.Where(line => line.Key == key).Select(line => line.Value);

    public bool IsOn(string key) => All(key).LastOrDefault() is "true" or "yes" or "strict" or "invisible";
}
