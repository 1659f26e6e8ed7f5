namespace Notify.Storage.Inbox;

/// <summary>The steps of one filter: merged, so that a mark at every opening of the bell does not grow without bound.</summary>
internal static class InboxSteps
{
    /// <summary>
    /// Steps kept although a later one says all that they say: they tell since when. Of older ones the next later step tells it.
    /// </summary>
    private const int KeptForTheirTimes = 16;

    /// <summary>Whether everything up to that version is marked so already.</summary>
    /// <param name="steps">Those that are for all topics that the filter is for.</param>
    /// <param name="operation">The mark.</param>
    /// <param name="upTo">Its version.</param>
    /// <param name="lastException">Where the last mark stands that made a single item something else.</param>
    public static bool Say(IEnumerable<InboxStep> steps, InboxOperation operation, long upTo, long lastException)
    {
        foreach (var step in steps)
        {
            if (step.UpTo >= upTo && step.Order > lastException && Implies(step.Operation, operation)) return true;
        }

        return false;
    }

    /// <summary>Adds the last step.</summary>
    /// <param name="steps">In the order in which they were made.</param>
    /// <param name="added">The new one.</param>
    /// <param name="oldest">Steps wholly below it are of nothing that is kept.</param>
    public static List<InboxStep> Add(IReadOnlyList<InboxStep> steps, InboxStep added, long oldest)
    {
        var left = steps.Where(step => step.UpTo >= oldest).ToList();
        var said = left.FindAll(step => step.UpTo <= added.UpTo && Implies(added.Operation, step.Operation));
        for (var i = 0; i < said.Count - KeptForTheirTimes; i++) left.Remove(said[i]);
        left.Add(added);
        return left;
    }

    private static bool Implies(InboxOperation strong, InboxOperation weak) =>
        strong == weak || weak == InboxOperation.Seen || (weak == InboxOperation.Read && strong == InboxOperation.Archive);
}
