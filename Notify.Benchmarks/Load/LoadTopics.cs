using System.Globalization;

namespace Notify.Benchmarks.Load;

/// <summary>The topics of a run: number i of n; the same for who publishes and who follows.</summary>
internal static class LoadTopics
{
    public static string Name(int number) => "bench/" + number.ToString(CultureInfo.InvariantCulture);
}
