using Notify.Benchmarks.Load;

namespace Notify.Benchmarks.Workloads;

/// <summary>A run that loses, repeats, reorders or refuses does not count.</summary>
internal static class Validity
{
    /// <param name="published">What was acknowledged.</param>
    /// <param name="got">What came.</param>
    /// <param name="expected">Deliveries, all connections together.</param>
    /// <param name="isEqual">Every connection must have got the same number.</param>
    public static string? Problem(PublisherReport published, SubscriberReport got, long expected, bool isEqual)
    {
        if (published.Refused > 0 || published.Problems is not null) return $"{published.Refused} publishes refused: {published.Problems}";
        if (got.Problems is not null) return got.Problems;
        if (got.Deliveries != expected) return $"{got.Deliveries} deliveries of {expected}";
        if (got.Disordered > 0) return $"{got.Disordered} deliveries repeated or out of order";
        if (got.Missing > 0) return $"{got.Missing} versions passed over";
        return isEqual && got.Fewest != got.Most ? $"between {got.Fewest} and {got.Most} a connection" : null;
    }
}
