using Notify.Contracts;
using Notify.Contracts.Publishing;

namespace Notify.Engine.Publishing;

/// <summary>The answer to one publish.</summary>
internal abstract record PublishOutcome
{
    private PublishOutcome()
    {
    }

    /// <summary>It has its place, or, ephemeral, was passed to delivery.</summary>
    /// <param name="As">How it got there.</param>
    /// <param name="Id">Its identity.</param>
    /// <param name="Version">Its version; 0 for an ephemeral one.</param>
    /// <param name="Topic">Where.</param>
    /// <param name="PublishedAt">When.</param>
    internal sealed record Accepted(AcceptedAs As, Guid Id, long Version, string Topic, DateTimeOffset PublishedAt) : PublishOutcome
    {
        /// <summary>As clients see it.</summary>
        public PublishResult ToResult() => new() { Id = Id, Version = As == AcceptedAs.Ephemeral ? null : Version, Topic = Topic, PublishedAt = PublishedAt };
    }

    /// <summary>It has none, as far as this answer knows.</summary>
    internal sealed record Refused(Refusal Refusal) : PublishOutcome;
}

/// <summary>The three ways of being accepted.</summary>
internal enum AcceptedAs
{
    /// <summary>Stored now.</summary>
    Stored,

    /// <summary>Stored before under the same idempotency key.</summary>
    Replayed,

    /// <summary>Sent to live connections.</summary>
    Ephemeral,
}

/// <summary>The publisher's own refusals, each said in one place.</summary>
internal static class PublishRefusals
{
    internal static readonly PublishOutcome.Refused QueueFull = Storage(
        "The publish queue is full. Nothing was stored; try again in a second.");

    internal static readonly PublishOutcome.Refused Stopping = Storage(
        "This node is stopping. Nothing was stored; try again, on another node or after the restart.");

    internal static readonly PublishOutcome.Refused NotSubmitted = Storage(
        "The storage does not answer. Nothing was stored; try again in a second.");

    internal static readonly PublishOutcome.Refused Broken = Storage(
        "The storage rejects writes until an operator corrects it: the server's log says what. Nothing was stored.");

    internal static readonly PublishOutcome.Refused Unknown = Storage(
        "The storage did not answer in time: this may or may not be stored. Repeat it under its idempotency key.");

    internal static readonly PublishOutcome.Refused Conflict = new(new Refusal(
        ErrorCodes.IdempotencyConflict,
        "This idempotency key was used with another request. Use a new key for a new notification."));

    internal static readonly PublishOutcome.Refused Row = new(new Refusal(
        ErrorCodes.InvalidRequest,
        "The database does not take this notification. The server's log says why."));

    internal static PublishOutcome.Refused EphemeralTooLarge(int most) => new(new Refusal(
        ErrorCodes.InvalidRequest,
        $"An ephemeral notification may have at most {most} bytes here, so that it reaches every node. Leave 'ephemeral' out, or make it smaller."));

    private static PublishOutcome.Refused Storage(string detail) => new(new Refusal(ErrorCodes.StorageUnavailable, detail));
}
