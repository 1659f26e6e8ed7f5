using Notify.Contracts;

namespace Notify.Client;

/// <summary>What happens when a handler fails.</summary>
public enum FailurePolicy
{
    /// <summary>The same notification is handed to it again, after a while.</summary>
    Retry,

    /// <summary>The notification counts as handled.</summary>
    Skip,

    /// <summary>The client stops and fails; a client that starts with the same cursor gets the notification again.</summary>
    Stop,
}

/// <summary>How a handler's failures are treated. Immutable: <c>with</c> makes a variant.</summary>
public sealed record HandlerOptions
{
    /// <summary>When the handler throws. Default: <see cref="FailurePolicy.Retry"/>. Nothing after the notification is handled meanwhile.</summary>
    public FailurePolicy OnFailure { get; init; } = FailurePolicy.Retry;

    /// <summary>With <see cref="FailurePolicy.Retry"/>: how often in all, at least 1; null: for as long as it takes. Default: null.</summary>
    public int? MaxAttempts { get; init; }

    /// <summary>After the last attempt: <see cref="FailurePolicy.Skip"/> or <see cref="FailurePolicy.Stop"/>. Default: Stop.</summary>
    public FailurePolicy AfterLastAttempt { get; init; } = FailurePolicy.Stop;

    /// <summary>
    /// When <c>data</c> cannot be read as the handler's type, which no repeat changes: <see cref="FailurePolicy.Skip"/> or
    /// <see cref="FailurePolicy.Stop"/>. Default: Skip; it is logged and told by <see cref="NotifyClient.HandlerFailed"/>.
    /// </summary>
    public FailurePolicy OnUnreadable { get; init; } = FailurePolicy.Skip;

    /// <summary>The longest wait before the second attempt; it doubles. Default: 1 second.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>The longest wait between two attempts. Default: 30 seconds.</summary>
    public TimeSpan MaxRetryDelay { get; init; } = TimeSpan.FromSeconds(30);

    internal void Validate()
    {
        if (MaxAttempts < 1) throw new ArgumentException($"{nameof(MaxAttempts)} is at least 1.");
        if (AfterLastAttempt == FailurePolicy.Retry) throw new ArgumentException($"{nameof(AfterLastAttempt)} is Skip or Stop.");
        if (OnUnreadable == FailurePolicy.Retry) throw new ArgumentException($"{nameof(OnUnreadable)} is Skip or Stop: reading it again changes nothing.");
        if (RetryDelay < TimeSpan.Zero || MaxRetryDelay < RetryDelay)
            throw new ArgumentException($"{nameof(MaxRetryDelay)} is at least {nameof(RetryDelay)}, which is not negative.");
    }
}

/// <summary>A handler failed.</summary>
/// <param name="Notification">What it was given.</param>
/// <param name="Filter">The filter it was registered with.</param>
/// <param name="Error">What it threw, or why <c>data</c> could not be read.</param>
/// <param name="Attempt">The attempt that failed, from 1.</param>
/// <param name="Next">What happens now.</param>
public sealed record HandlerFailure(Notification Notification, string Filter, Exception Error, int Attempt, FailurePolicy Next);
