using System.Diagnostics;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>The entries of one request on their way to the log. They are appended together: a batch is never split.</summary>
internal interface IPendingPublish
{
    /// <summary>How many there are.</summary>
    int Entries { get; }

    /// <summary>What it counts for in the queue's limit.</summary>
    int Bytes { get; }

    /// <summary>A time stamp of the TimeProvider.</summary>
    long StartedAt { get; }

    /// <summary>The publisher's trace context; the default without a listener.</summary>
    ActivityContext Trace { get; }

    /// <summary>Its publisher waits no more.</summary>
    bool IsAnswered { get; }

    void CopyTo(Span<NewEntry> entries);

    /// <summary>One outcome for each entry. Nothing when it was answered before.</summary>
    void Answer(ReadOnlySpan<PublishOutcome> outcomes);

    /// <summary>The same refusal for all of it; false when it was answered before.</summary>
    bool TryRefuse(PublishOutcome.Refused refusal);
}
