using System.Diagnostics;
using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>
/// What the tail is told. All of it may come early, late, twice or not at all: the log is the truth, and the tail asks
/// it whenever a version is missing.
/// </summary>
internal abstract record Hint
{
    /// <summary>These are committed: from this node's publisher, from another node, or read from the log.</summary>
    public sealed record Entries(Guid Epoch, IReadOnlyList<LogEntry> Committed) : Hint
    {
        /// <summary>
        /// Appended by this node, or read from the log. Internal entries are applied from nothing else: another node's hint that
        /// holds one is a position, or every sender on the link could make itself a member.
        /// </summary>
        public bool IsTrusted { get; init; }

        /// <summary>The append's, where it is known: so that its dispatch is in the same trace.</summary>
        public ActivityContext Trace { get; init; }

        /// <summary>When this node learned that they are committed: a time stamp of the TimeProvider.</summary>
        public required long At { get; init; }

        /// <summary>Whether any of them is an internal entry.</summary>
        public bool HasChanges
        {
            get
            {
                for (var i = 0; i < Committed.Count; i++)
                {
                    if (Committed[i].Kind != EntryKind.Notification) return true;
                }

                return false;
            }
        }

        public long First => Committed[0].Version;
        public long Last => Committed[^1].Version;
    }

    /// <summary>The log was read: this is where it is.</summary>
    public sealed record Position(LogHead Head) : Hint;

    /// <summary>The log reaches up to here, says another node; the contents are in the log.</summary>
    public sealed record Ahead(Guid Epoch, long Last) : Hint;

    /// <summary>What was delivered from this version on, in this epoch, is not what the log has.</summary>
    public sealed record Distrusted(LogView View, long From) : Hint;

    /// <summary>An ephemeral notification, for live sessions.</summary>
    public sealed record Ephemeral(LogEntry Notification) : Hint;

    /// <summary>A read of the missing versions came to its end, well or badly.</summary>
    public sealed record HoleRead(LogPage? Page) : Hint;

    /// <summary>Look at what is parked: it has waited long enough.</summary>
    public sealed record Overdue : Hint;
}
