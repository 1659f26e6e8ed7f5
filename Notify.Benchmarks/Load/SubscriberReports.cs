namespace Notify.Benchmarks.Load;

/// <summary>All connections are there, and caught up.</summary>
/// <param name="Replayed">Notifications that came before CaughtUp, all connections together.</param>
/// <param name="ReplayMs">From the first answer to Resume to the last CaughtUp.</param>
/// <param name="ConnectMs">From the first connect to the last CaughtUp.</param>
/// <param name="Problems">Refused calls, gaps, closed connections.</param>
internal sealed record SubscriberReady(long Replayed, double ReplayMs, double ConnectMs, long Disordered, long Missing, string? Problems);

/// <summary>What came since the last report.</summary>
/// <param name="Deliveries">All connections together.</param>
/// <param name="Fewest">Of any connection since it began.</param>
/// <param name="Most">Of any connection since it began.</param>
internal sealed record SubscriberReport(
    long Deliveries, long Fewest, long Most, long Disordered, long Missing, LatencySummary? Latency, string? Problems);
