using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>
/// How a session has what its user follows by interval: of which epoch and up to where it was read, and what was read for a view that the
/// session has not gone over to. Guarded by the session's gate.
/// </summary>
internal struct UserIntervals(Interests interests)
{
    private Guid _epoch; // of the reading; the default for a connection without a user
    private IntervalReading? _prepared;

    /// <summary>The reading is complete up to this version; 0 without one.</summary>
    public long Head { get; private set; }

    /// <summary>Whether the credential covers a whole filter: durable subscriptions that it does not cover sleep.</summary>
    public Func<TopicFilter, bool> Covers { readonly get; set; } = static _ => true;

    /// <summary>Puts what was read in the place of what the session has.</summary>
    public void Take(IntervalReading reading, LogView view)
    {
        (_epoch, Head, _prepared) = (reading.Epoch, reading.Head, null);

        // Not what is applied: that is ahead of the ring while a unit is on its way, and the session may be live before it is there.
        interests.ReplaceIntervals(reading.Interests, Covers, view.Ring.End);
    }

    /// <summary>Keeps what was read for an epoch, or a new beginning of this one, until the session goes over to it.</summary>
    public void Prepare(IntervalReading reading) => _prepared = reading;

    /// <summary>The session goes over to this view: the epoch and its intervals change together.</summary>
    public void GoOverTo(LogView view)
    {
        if (_prepared?.Epoch == view.EpochId) Take(_prepared, view);
    }

    /// <param name="epoch">Of the entry.</param>
    /// <param name="interest">What begins.</param>
    /// <param name="view">The session's; null once it is closed.</param>
    /// <returns>False when it was known already, or is of another epoch of the log.</returns>
    public readonly bool Begin(Guid epoch, UserInterest interest, LogView? view)
    {
        if (_prepared?.Epoch != epoch) return _epoch == epoch && view is not null && interests.Begin(interest, IsCovered(interest), view.Ring.End);
        _prepared.Begin(interest);
        return true;
    }

    /// <param name="epoch">Of the entry.</param>
    /// <param name="kind">Of what ends.</param>
    /// <param name="filter">Its filter.</param>
    /// <param name="at">It holds for this version and those below.</param>
    /// <param name="view">The session's; null once it is closed.</param>
    /// <returns>False when there was none, or it is of another epoch of the log.</returns>
    public readonly bool End(Guid epoch, InterestKind kind, TopicFilter filter, long at, LogView? view) => _prepared?.Epoch == epoch
        ? _prepared.End(kind, filter, at)
        : _epoch == epoch && view is not null && interests.End(kind, filter, at);

    /// <summary>Whether there is no reading that is good in this view: of its epoch, and complete up to where its tail began.</summary>
    public readonly bool MustRead(LogView view)
    {
        if (_epoch == Guid.Empty) return false;
        var (epoch, head) = _prepared is { } prepared ? (prepared.Epoch, prepared.Head) : (_epoch, Head);
        return epoch != view.EpochId || head < view.Start;
    }

    private readonly bool IsCovered(UserInterest interest) => interest.Kind != InterestKind.Durable || Covers(interest.Filter);
}
