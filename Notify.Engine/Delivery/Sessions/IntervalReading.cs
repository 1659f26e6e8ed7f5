using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// What a user follows by interval, read in one statement with the head of the log, and kept up by the tail while it
/// waits for its session. Guarded by the session's gate.
/// </summary>
/// <param name="epoch">The epoch that the versions are of.</param>
/// <param name="head">Every change up to this version is in it.</param>
/// <param name="interests">Open ones, and those that ended above the lowest place the session may be put back to.</param>
internal sealed class IntervalReading(Guid epoch, long head, List<UserInterest> interests)
{

    public Guid Epoch => epoch;
    public long Head => head;
    public IReadOnlyList<UserInterest> Interests => interests;

    public void Begin(UserInterest interest) => interests.Add(interest); // one that is known already changes nothing when it is installed

    /// <returns>Whether an interval ended.</returns>
    public bool End(InterestKind kind, TopicFilter filter, long at)
    {
        var ended = false;
        for (var i = 0; i < interests.Count; i++)
        {
            var interest = interests[i];
            if (interest.Kind != kind || interest.Since >= at || interest.Until <= at || !interest.Filter.Equals(filter)) continue;
            interests[i] = interest with { Until = at };
            ended = true;
        }

        return ended;
    }
}
