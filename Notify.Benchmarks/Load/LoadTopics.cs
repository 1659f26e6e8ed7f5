using System.Globalization;

namespace Notify.Benchmarks.Load;

/// <summary>The topics of a run: number i of n; the same for publishers and followers.</summary>
internal static class LoadTopics
{
    /// <summary>The filter that matches each of them.</summary>
    public const string All = Prefix + "#";

    public const string Prefix = "bench/";

    public static string Name(int number) => Prefix + number.ToString(CultureInfo.InvariantCulture);

    /// <summary>A filter of a connection that matches none of them; every other one has a wildcard.</summary>
    public static string NeverPublished(int connection, int number) =>
        string.Create(CultureInfo.InvariantCulture, $"other/{connection}/{number}{(number % 2 == 0 ? "/+" : "")}");

    /// <summary>A topic whose followers other connections watch.</summary>
    public static string Room(int number) => string.Create(CultureInfo.InvariantCulture, $"rooms/{number}");
}
