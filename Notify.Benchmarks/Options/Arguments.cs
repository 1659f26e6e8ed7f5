using System.Globalization;

namespace Notify.Benchmarks.Options;

/// <summary>A command and its <c>--name value</c> options; every name must be known.</summary>
internal sealed class Arguments
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);
    private readonly HashSet<string> _asked = new(StringComparer.Ordinal);

    public Arguments(string[] arguments)
    {
        Command = arguments.Length == 0 ? "help" : arguments[0];
        for (var i = 1; i < arguments.Length; i++)
        {
            if (!arguments[i].StartsWith("--", StringComparison.Ordinal))
                throw new ArgumentException($"'{arguments[i]}' is not an option: options are --name value.");
            var hasValue = i + 1 < arguments.Length && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal);
            _values[arguments[i][2..]] = hasValue ? arguments[++i] : "true";
        }
    }

    public string Command { get; }

    public string Text(string name, string otherwise) => Find(name) ?? otherwise;

    public string? Find(string name)
    {
        _asked.Add(name);
        return _values.GetValueOrDefault(name);
    }

    public bool Flag(string name) => Find(name) == "true";

    public int Number(string name, int otherwise)
    {
        if (Find(name) is not { } text) return otherwise;
        return int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? number
            : throw new ArgumentException($"--{name} is a whole number, not '{text}'.");
    }

    /// <summary>A misspelt option would measure something else than was meant.</summary>
    public void RefuseUnknown()
    {
        var unknown = _values.Keys.Except(_asked, StringComparer.Ordinal).Select(name => "--" + name).ToList();
        if (unknown.Count > 0)
            throw new ArgumentException($"{Command} does not know {string.Join(", ", unknown)}; it takes " +
                $"{string.Join(", ", _asked.Select(name => "--" + name))}.");
    }
}
