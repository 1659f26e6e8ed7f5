namespace Notify.Benchmarks.Processes;

/// <summary>The server and its Postgres on one core, the load on another; on a machine with one core nothing is pinned.</summary>
internal static class Cores
{
    public const int Server = 0;
    public const int Load = 1;

    /// <summary>Every process on all cores instead.</summary>
    public static bool AreShared { get; set; }

    public static IEnumerable<string> Pin(int core) =>
        Environment.ProcessorCount > 1 && !AreShared ? ["taskset", "-c", core.ToString(System.Globalization.CultureInfo.InvariantCulture)] : [];
}
