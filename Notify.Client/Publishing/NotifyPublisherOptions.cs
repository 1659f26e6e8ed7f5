namespace Notify.Client;

/// <summary>How often and how long a <see cref="NotifyPublisher"/> tries. Immutable: <c>with</c> makes a variant.</summary>
public sealed record NotifyPublisherOptions
{
    /// <summary>
    /// Where the service is, for one with several addresses: a call that gets no answer goes on to the next one, and comes back to
    /// the first when that is well again. Default: the HTTP client's <see cref="HttpClient.BaseAddress"/>.
    /// </summary>
    public IReadOnlyList<Uri> Addresses { get; init; } = [];

    /// <summary>How often one call is tried in all, at least 1. Default: 6.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>The longest wait between two attempts; the first is drawn from zero to 0.2 s, and doubles. Default: 10 seconds.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest <c>Retry-After</c> that is waited for; asked for more, the call fails at once. Default: 1 minute.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// An address that gave no answer this often within <see cref="SamplingDuration"/>, and no good one, is left alone for
    /// <see cref="BreakDuration"/> by all calls of this publisher; at least 2. Default: 5.
    /// </summary>
    public int FailuresThatBreak { get; init; } = 5;

    /// <summary>See <see cref="FailuresThatBreak"/>; at least 0.5 s. Default: 30 seconds.</summary>
    public TimeSpan SamplingDuration { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How long an address is left alone; then one call tries it. At least 0.5 s. Default: 5 seconds.</summary>
    public TimeSpan BreakDuration { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The most notifications in one request; the service's <c>Notify:Limits:BatchSize</c>. Default: 1,000.</summary>
    public int MaxBatchCount { get; init; } = 1000;

    /// <summary>The most bytes of JSON in one request; a larger notification travels alone. Default: 4 MiB.</summary>
    public int MaxBatchBytes { get; init; } = 4 * 1024 * 1024;

    /// <summary>The clock of waits. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal string? Problem() =>
        Addresses.Any(address => !ServiceAddress.IsValid(address)) ? $"{nameof(Addresses)} are absolute http or https addresses."
        : MaxAttempts < 1 ? $"{nameof(MaxAttempts)} is at least 1."
        : MaxDelay < TimeSpan.Zero || MaxRetryAfter < TimeSpan.Zero ? $"{nameof(MaxDelay)} and {nameof(MaxRetryAfter)} are not negative."
        : FailuresThatBreak < 2 ? $"{nameof(FailuresThatBreak)} is at least 2."
        : SamplingDuration < HalfASecond || BreakDuration < HalfASecond ? $"{nameof(SamplingDuration)} and {nameof(BreakDuration)} are at least 0.5 s."
        : MaxBatchCount < 1 || MaxBatchBytes < 1 ? $"{nameof(MaxBatchCount)} and {nameof(MaxBatchBytes)} are at least 1."
        : null;

    private static readonly TimeSpan HalfASecond = TimeSpan.FromSeconds(0.5);
}
