namespace Notify.Storage.Inbox;

/// <summary>The marks that a batch of changes is about, as they are stored; then as the marks decided so far leave them.</summary>
internal sealed class InboxMarksState
{
    /// <summary>Items that have a mark of their own.</summary>
    public Dictionary<(long User, long Version), InboxMark> Marks { get; } = [];

    public Dictionary<long, Dictionary<string, List<InboxStep>>> Watermarks { get; } = [];

    /// <summary>Where the last mark stands, among those of single items at or below a version marked up to, that left one unread, or not archived.</summary>
    public Dictionary<long, long> LastUnread { get; } = [];
    public Dictionary<long, long> LastNotArchived { get; } = [];

    /// <summary>Whether the last mark changed anything.</summary>
    public bool LastChanged { get; set; }

    public void AddWatermark(long user, string filter, List<InboxStep> steps) => Of(user)[filter] = steps;

    public Dictionary<string, List<InboxStep>> Of(long user)
    {
        if (!Watermarks.TryGetValue(user, out var watermarks)) Watermarks[user] = watermarks = new(StringComparer.Ordinal);
        return watermarks;
    }
}
