using System.Diagnostics.Metrics;
using Notify.Contracts;
using Notify.Engine.Observability;

namespace Notify.Engine.Directory;

/// <summary>What is counted of users, groups and rules.</summary>
internal sealed class PeopleMetrics
{
    private readonly Counter<long> _changes;
    private readonly Counter<long> _applied;
    private readonly Histogram<double> _duration;
    private readonly Histogram<double> _reading;
    private readonly Counter<long> _entered;
    private readonly TimeProvider _time;
    private long _pendingRules;
    private long _waiting;

    public PeopleMetrics(IMeterFactory meters, TimeProvider time)
    {
        _time = time;
        var meter = meters.Create(NotifyMetrics.MeterName);
        _changes = meter.CreateCounter<long>("notify.people.changes", "{change}",
            "Changes of users, groups, subscriptions and keys, by outcome: made, unchanged, refused, unavailable.");
        meter.CreateObservableGauge("notify.people.waiting", () => Volatile.Read(ref _waiting), "{change}", "Changes that wait to be made.");
        _duration = meter.CreateHistogram<double>("notify.people.change.duration", "s", "How long one batch of changes took, repeats not included.");
        _applied = meter.CreateCounter<long>("notify.people.applied", "{entry}",
            "Entries of memberships, groups and subscriptions that this node has applied.");
        _reading = meter.CreateHistogram<double>("notify.people.read.duration", "s", "How long a connection that resumed waited for what its user follows.");
        meter.CreateObservableGauge("notify.rules.pending", () =>
            Volatile.Read(ref _pendingRules), "{group}", "Groups whose rule is being worked through, on any node, as this node saw it last.");
        _entered = meter.CreateCounter<long>("notify.rules.moved", "{membership}", "Memberships that this node began and ended by working a rule through.");
    }

    /// <summary>Counters appear at their first count: from zero on, the first trouble is a rate and not the beginning of a series.</summary>
    public void BeginAtZero()
    {
        foreach (var outcome in new[] { "made", "unchanged", "refused", "unavailable" }) Changed(outcome, 0);
    }

    public void Queued() => Interlocked.Increment(ref _waiting);

    /// <summary>It has its answer, whatever that is.</summary>
    public void Answered(ChangeAnswer? answer)
    {
        Interlocked.Decrement(ref _waiting);
        Changed(answer switch
        {
            ChangeAnswer.Made { Outcome.Version: > 0 } => "made",
            ChangeAnswer.Made => "unchanged",
            ChangeAnswer.Refused { Refusal.Code: not ErrorCodes.StorageUnavailable } => "refused",
            _ => "unavailable",
        }, 1);
    }

    public void Took(long since) => _duration.Record(_time.GetElapsedTime(since).TotalSeconds);

    public void Applied(int entries) => _applied.Add(entries);

    public void Read(long since) => _reading.Record(_time.GetElapsedTime(since).TotalSeconds);

    public void PendingRules(long groups) => Volatile.Write(ref _pendingRules, groups);

    public void Moved(long memberships) => _entered.Add(memberships);

    private void Changed(string outcome, long count) => _changes.Add(count, new KeyValuePair<string, object?>("outcome", outcome));
}
