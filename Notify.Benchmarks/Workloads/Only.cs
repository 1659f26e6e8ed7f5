namespace Notify.Benchmarks.Workloads;

/// <summary><c>--only notify</c>: some of the targets, while working on one.</summary>
internal static class Only
{
    public static Target[] Of(Target[] targets, string? part) =>
        [.. targets.Where(t => Takes(t.Name, part))];

    public static bool Takes(string name, string? part) => part is null || part.Split('+').Any(one => name.Contains(one, StringComparison.OrdinalIgnoreCase));
}
