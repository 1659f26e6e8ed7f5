using Notify.Storage.Directory;

namespace Notify.Storage.Inbox;

/// <summary>What a mark comes to, given what is stored.</summary>
internal static class InboxMarksDecision
{
    /// <summary>Filters that one user has marks up to versions for; a mark without a filter serves for all of them.</summary>
    private const int MostFilters = 1000;

    /// <summary>Marks of one batch are one entry; among themselves they keep their order.</summary>
    public static long OrderOf(long version, int position) => version * 1024 + Math.Min(position, 1023);

    public static bool Changed(InboxMarksState state) => state.LastChanged;

    public static ChangeStatus Items(InboxMarksState state, DirectoryWrites writes, long user, DirectoryChange.MarkInbox mark, long order, DateTimeOffset now)
    {
        state.LastChanged = false;
        foreach (var item in mark.Items!.DistinctBy(item => item.Version))
        {
            InboxMark? own = state.Marks.TryGetValue((user, item.Version), out var known) ? known : null;
            var before = InboxState.Of(item.Version, own, Steps(state, user, item.Topic, mark.Matches));
            var after = before.After(mark.Operation, now);
            if (after == before) continue;
            var left = new InboxMark(item.Version, item.TopicId, order, after.SeenAt, after.ReadAt, after.ArchivedAt, item.ExpiresAt);
            state.Marks[(user, item.Version)] = writes.Marks[(user, item.Version)] = left;
            if (after.ReadAt is null) state.LastUnread[user] = order;
            if (after.ArchivedAt is null) state.LastNotArchived[user] = order;
            state.LastChanged = true;
        }

        return ChangeStatus.Done;
    }

    public static ChangeStatus UpTo(
        InboxMarksState state, DirectoryWrites writes, long user, DirectoryChange.MarkInbox mark, long order, DateTimeOffset now, long oldest)
    {
        state.LastChanged = false;
        if (mark.UpTo < oldest) return ChangeStatus.Done; // of nothing that is kept
        var watermarks = state.Of(user);
        var steps = watermarks.GetValueOrDefault(mark.Filter) ?? [];
        var saying = mark.Filter.Length == 0 ? steps : steps.Concat(watermarks.GetValueOrDefault("") ?? []);
        if (mark.FoundAt is { } found && LastException(state, user, mark.Operation) > OrderOf(found, int.MaxValue)) return ChangeStatus.Done;
        if (InboxSteps.Say(saying, mark.Operation, mark.UpTo, LastException(state, user, mark.Operation))) return ChangeStatus.Done;
        if (!watermarks.ContainsKey(mark.Filter) && watermarks.Count >= MostFilters) return ChangeStatus.TooManyMarkedFilters;
        watermarks[mark.Filter] = writes.Watermarks[(user, mark.Filter)] =
            InboxSteps.Add(steps, new InboxStep(mark.Operation, mark.UpTo, order, now), oldest);
        if (mark.Filter.Length == 0) writes.Merged.Add(new InboxMerge(user, mark.Operation, Masked(watermarks, mark.Operation), mark.UpTo, order));
        state.LastChanged = true;
        return ChangeStatus.Done;
    }

    // Nothing takes back seen.
    private static long LastException(InboxMarksState state, long user, InboxOperation operation) => operation switch
    {
        InboxOperation.Read => state.LastUnread.GetValueOrDefault(user),
        InboxOperation.Archive => Math.Max(state.LastNotArchived.GetValueOrDefault(user), state.LastUnread.GetValueOrDefault(user)),
        _ => 0,
    };

    // A single mark may be what keeps an item from an earlier and stronger step of any filter: those stay.
    private static long Masked(Dictionary<string, List<InboxStep>> watermarks, InboxOperation operation) => operation switch
    {
        InboxOperation.Archive => 0,
        InboxOperation.Read => Highest(watermarks, step => step.Operation == InboxOperation.Archive),
        _ => Highest(watermarks, step => step.Operation != InboxOperation.Seen),
    };

    private static long Highest(Dictionary<string, List<InboxStep>> watermarks, Func<InboxStep, bool> which) =>
        watermarks.Values.SelectMany(steps => steps).Where(which).Select(step => step.UpTo).DefaultIfEmpty().Max();

    private static IEnumerable<InboxStep> Steps(InboxMarksState state, long user, string topic, TopicMatch matches) =>
        state.Watermarks.TryGetValue(user, out var watermarks)
            ? watermarks.Where(one => one.Key.Length == 0 || matches(one.Key, topic)).SelectMany(one => one.Value).OrderBy(step => step.Order)
            : [];
}
