namespace Notify.Client;

/// <summary>How often and how long a <see cref="NotifyPublisher"/> tries. Immutable: <c>with</c> makes a variant.</summary>
public sealed record NotifyPublisherOptions
{
    /// <summary>How often one call is tried in all, at least 1. Default: 6.</summary>
    public int MaxAttempts { get; init; } = 6;

    /// <summary>The longest wait between two attempts; the first is drawn from zero to 0.2 s, and doubles. Default: 10 seconds.</summary>
    public TimeSpan MaxDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The longest <c>Retry-After</c> that is waited for; asked for more, the call fails at once. Default: 1 minute.</summary>
    public TimeSpan MaxRetryAfter { get; init; } = TimeSpan.FromMinutes(1);

    /// <summary>The clock of waits. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;
}
