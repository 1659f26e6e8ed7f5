using System.Globalization;

namespace Notify.Server.Connections;

/// <summary>What the kernel says of this process's open files: each connection is one.</summary>
internal static class OpenFiles
{
    private const string Limits = "/proc/self/limits";
    private const string Files = "/proc/self/fd";
    private const string Row = "Max open files";

    /// <summary>
    /// How many the process may have (<c>nofile</c>; the runtime has raised the soft limit to the hard one); null where the kernel does not
    /// say, or has no limit.
    /// </summary>
    public static long? Limit() => Limit(Read(() => File.ReadAllLines(Limits)) ?? []);

    /// <summary>How many it has.</summary>
    public static int Count() => Read(() => Directory.GetFileSystemEntries(Files))?.Length ?? 0;

    internal static long? Limit(IEnumerable<string> lines)
    {
        var row = lines.FirstOrDefault(line => line.StartsWith(Row, StringComparison.Ordinal));
        var soft = row?[Row.Length..].Split(' ', StringSplitOptions.RemoveEmptyEntries).FirstOrDefault();
        return long.TryParse(soft, NumberStyles.None, CultureInfo.InvariantCulture, out var limit) ? limit : null; // "unlimited" is none
    }

    private static string[]? Read(Func<string[]> read)
    {
        try
        {
            return read();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            return null; // no /proc: another system
        }
    }
}
