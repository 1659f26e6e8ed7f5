namespace Notify.Benchmarks.Workloads;

/// <summary><c>--only notify</c>: some of the targets, while working on one.</summary>
internal static class Only
{
    public static Target[] Of(Target[] targets, string? part) =>
        part is null ? targets : [.. targets.Where(t => t.Name.Contains(part, StringComparison.OrdinalIgnoreCase))];
}
