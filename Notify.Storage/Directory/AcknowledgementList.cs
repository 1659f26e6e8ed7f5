namespace Notify.Storage.Directory;

/// <summary>What is stored of many acknowledgements at once.</summary>
internal static class AcknowledgementList
{
    /// <summary>One for each device, the highest: a statement cannot write the same row twice.</summary>
    public static List<Acknowledgement> Highest(IReadOnlyCollection<Acknowledgement> acknowledgements)
    {
        var highest = new Dictionary<(long, string), Acknowledgement>();
        foreach (var one in acknowledgements)
        {
            // Of two epochs the later word counts: the session has moved on to it.
            if (!highest.TryGetValue((one.User, one.Device), out var known) || known.Epoch != one.Epoch || known.Version < one.Version)
                highest[(one.User, one.Device)] = one;
        }

        return [.. highest.Values];
    }
}
