using System.Globalization;
using System.Text;
using Notify.Engine.Configuration;

namespace Notify.Server.Configuration;

/// <summary>One setting below <c>Notify:</c>: its key, what it may be, and where it goes.</summary>
/// <param name="Key">Its path below the section.</param>
/// <param name="Allowed">What is allowed, as the end of "… is".</param>
/// <param name="TryApply">Puts a text into the options; false when it is not allowed.</param>
internal sealed record Setting(string Key, string Allowed, Func<NotifyOptions, string, bool> TryApply)
{
    public static Setting Text(string key, Action<NotifyOptions, string> apply) => new(key, "a text that is not empty", (options, text) =>
    {
        apply(options, text);
        return !string.IsNullOrWhiteSpace(text);
    });

    // Postgres cuts a longer name off, and keeps names that begin with pg_ for itself.
    public static Setting SchemaName(string key, Action<NotifyOptions, string> apply) =>
        new(key, "the name of a schema, up to 63 bytes, not beginning with pg_", (options, text) =>
        {
            apply(options, text);
            return text.Trim().Length == text.Length && text.Length > 0 && Encoding.UTF8.GetByteCount(text) <= 63 && !text.Any(char.IsControl)
                && !text.StartsWith("pg_", StringComparison.OrdinalIgnoreCase) && text != "information_schema";
        });

    public static Setting Flag(string key, Action<NotifyOptions, bool> apply) => new(key, "true or false", (options, text) =>
    {
        if (!bool.TryParse(text, out var value)) return false;
        apply(options, value);
        return true;
    });

    public static Setting Number(string key, long least, long most, Action<NotifyOptions, long> apply, string zero = "for no limit") =>
        new(key, $"a whole number from {Show(least)} to {Show(most)}{(least == 0 ? $", 0 {zero}" : "")}", (options, text) =>
        {
            if (!long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var value) || value < least || value > most) return false;
            apply(options, value);
            return true;
        });

    public static Setting Time(string key, TimeSpan least, TimeSpan most, Action<NotifyOptions, TimeSpan> apply) =>
        new(key, $"a time from {least:c} to {most:c}, written d.hh:mm:ss", (options, text) =>
        {
            // "30" alone would be thirty days where most people mean seconds.
            if (!text.Contains(':', StringComparison.Ordinal) || !TimeSpan.TryParse(text, CultureInfo.InvariantCulture, out var value) || value < least
                || value > most) return false;
            apply(options, value);
            return true;
        });

    /// <summary>The value that the options have, as a text; null for one that is not set. The key is the path to the property.</summary>
    public string? ValueIn(NotifyOptions options)
    {
        object? value = options;
        foreach (var name in Key.Split(':'))
        {
            if (value is null) return null;
            var property = value.GetType().GetProperty(name) ?? throw new InvalidOperationException($"The setting {Key} has no property '{name}' of its name.");
            value = property.GetValue(value);
        }

        return value is IFormattable number ? number.ToString(null, CultureInfo.InvariantCulture) : value?.ToString();
    }

    private static string Show(long number) => number.ToString(CultureInfo.InvariantCulture);
}
