namespace Notify.Storage.Log;

/// <summary>Which entries of a batch are submitted: repeats within the batch are settled before versions are given.</summary>
/// <remarks>
/// Both stores number what they are handed, so a repeat that reached them would take a version of its own.
/// A refused entry leaves its key free: the next one under the same key is then submitted in its place.
/// </remarks>
internal static class AppendPlan
{
    /// <summary>The positions in the batch to submit, in order.</summary>
    public static List<int> Positions(AppendBatch batch, IReadOnlyDictionary<int, string> refused)
    {
        var positions = new List<int>(batch.Entries.Count);
        HashSet<(string, string)>? keys = null;
        for (var position = 0; position < batch.Entries.Count; position++)
        {
            if (refused.ContainsKey(position))
                continue;
            if (batch.Entries[position].Key is not { } key || (keys ??= []).Add((key.Publisher, key.Key)))
                positions.Add(position);
        }

        return positions;
    }

    /// <summary>The entries with text that a database cannot hold, and why: the same for both stores.</summary>
    /// <remarks>
    /// An unpaired surrogate would break the connection while it is being written, and one with NUL is refused by Postgres
    /// and cut short by SQLite's text functions.
    /// </remarks>
    public static Dictionary<int, string> Unstorable(AppendBatch batch)
    {
        var refused = new Dictionary<int, string>();
        for (var position = 0; position < batch.Entries.Count; position++)
        {
            var entry = batch.Entries[position];
            if (!IsText(entry.Topic) || entry.Key is { } key && !(IsText(key.Publisher) && IsText(key.Key)))
                refused.Add(position, "Its topic or key holds NUL or an unpaired surrogate.");
        }

        return refused;
    }

    private static bool IsText(string value)
    {
        for (var i = 0; i < value.Length; i++)
        {
            if (value[i] == '\0')
                return false;
            if (!char.IsSurrogate(value[i]))
                continue;
            if (!char.IsHighSurrogate(value[i]) || i + 1 == value.Length || !char.IsLowSurrogate(value[++i]))
                return false;
        }

        return true;
    }
}
