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

/// <summary>Marks of single items above a version and up to another, made before it, that a mark of everything stands for.</summary>
internal readonly record struct InboxMerge(long User, InboxOperation Operation, long After, long UpTo, long Order)
{
    /// <summary>So many of a user's newest single marks stay, since they tell since when.</summary>
    public const int Kept = 1000;

    /// <summary>So many are merged at once; the next mark of everything goes on.</summary>
    public const int AtOnce = 1000;

    /// <summary>Which ones, as a condition in SQL.</summary>
    public string Condition => Operation switch
    {
        InboxOperation.Archive => "true",
        InboxOperation.Read => "read_at IS NOT NULL AND archived_at IS NULL",
        _ => "read_at IS NULL AND archived_at IS NULL",
    };
}
