using System.Text.Json;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory.Rules;

/// <summary>
/// The rules in force, by the attributes that they name: a change of attributes evaluates those alone. Kept for one revision in
/// one epoch; what was decided by it is stored only while that revision is the database's.
/// </summary>
internal sealed class RuleIndex(INotificationLog log) : IDisposable
{
    private const long Everything = -1;

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _reading = new(1);
    private readonly Dictionary<long, Indexed> _byGroup = [];
    private readonly Dictionary<string, HashSet<Indexed>> _byAttribute = new(StringComparer.Ordinal);
    private Guid _epoch;
    private long _revision = Everything;

    /// <summary>Brings the index to this revision, or beyond it. Reads what has changed since the one that it is at.</summary>
    /// <exception cref="StorageUnavailableException">Storage does not answer.</exception>
    public async Task ReachAsync(Guid epoch, long revision, CancellationToken cancellationToken)
    {
        if (IsAt(epoch, revision)) return;
        await _reading.WaitAsync(cancellationToken);
        try
        {
            if (IsAt(epoch, revision)) return;

            // A revision that went back is that of another copy of the database.
            var above = _epoch == epoch && _revision < revision ? _revision : Everything;
            var reading = await log.Directory.Rules.ReadRulesAsync(above, cancellationToken);
            if (above != Everything && reading.Epoch != epoch) reading = await log.Directory.Rules.ReadRulesAsync(above = Everything, cancellationToken);
            lock (_gate) Take(reading, isAll: above == Everything);
        }
        finally
        {
            _reading.Release();
        }
    }

    /// <summary>What the rules that name one of these attributes say. False when the index is not at this revision.</summary>
    public bool TryDecide(Guid epoch, long revision, IReadOnlySet<string> names, string? attributes, out List<GroupDecision> decisions)
    {
        decisions = [];
        lock (_gate)
        {
            if (_epoch != epoch || _revision != revision) return false;
            HashSet<Indexed> concerned = [];
            foreach (var name in names)
            {
                if (_byAttribute.TryGetValue(name, out var rules)) concerned.UnionWith(rules);
            }

            if (concerned.Count == 0) return true;
            using var document = attributes is null ? null : JsonDocument.Parse(attributes);
            foreach (var indexed in concerned)
                decisions.Add(new GroupDecision(indexed.Group, document is not null && indexed.Rule.Evaluate(document.RootElement) == true));
            return true;
        }
    }

    public void Dispose() => _reading.Dispose();

    private bool IsAt(Guid epoch, long revision)
    {
        lock (_gate) return _epoch == epoch && _revision == revision;
    }

    private void Take(RulesReading reading, bool isAll)
    {
        if (isAll)
        {
            _byGroup.Clear();
            _byAttribute.Clear();
        }

        foreach (var stored in reading.Rules)
        {
            if (_byGroup.Remove(stored.Group, out var old))
            {
                foreach (var name in old.Rule.Attributes)
                {
                    _byAttribute[name].Remove(old);
                    if (_byAttribute[name].Count == 0) _byAttribute.Remove(name);
                }
            }

            // A rule that is not active yet moves no user: its owner evaluates users that change until then again.
            if (stored.IsEnded || !stored.IsActive || !RuleParser.TryParse(stored.Rule, out var rule, out _)) continue;
            var indexed = new Indexed(stored.Group, rule);
            _byGroup.Add(stored.Group, indexed);
            foreach (var name in rule.Attributes)
            {
                if (!_byAttribute.TryGetValue(name, out var rules)) _byAttribute.Add(name, rules = []);
                rules.Add(indexed);
            }
        }

        (_epoch, _revision) = (reading.Epoch, reading.Revision);
    }

    // Compared by reference: each is one object.
    private sealed class Indexed(long group, Rule rule)
    {
        public long Group => group;

        public Rule Rule => rule;
    }
}
