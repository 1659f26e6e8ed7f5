using System.Globalization;

namespace Notify.Tests.Faults;

/// <summary>All faults there are.</summary>
internal static class FaultCatalog
{
    public static IReadOnlyList<Fault> All { get; } =
        [.. NodeFaults.All, .. PostgresFaults.All, .. NetworkFaults.All, .. RedisFaults.All, .. ReplacedLogFaults.All];

    public static Fault Named(string name) => All.Single(fault => fault.Name == name);

    /// <summary>A new one each time, unless <c>NOTIFY_FAULTS_SEED</c> asks for one.</summary>
    public static int Seed() => Environment.GetEnvironmentVariable("NOTIFY_FAULTS_SEED") is { } seed
        ? int.Parse(seed, CultureInfo.InvariantCulture)
        : Random.Shared.Next(1, 1_000_000);
}
