using Notify.Storage.Inbox;
using Notify.Storage.Log;

namespace Notify.Storage.Directory;

/// <summary>
/// What a batch of changes comes to, given what is stored: answers, entries and rows. The same for both stores. Made once
/// without the log's lock, which only tells whether there is anything to do, and then under it, which decides.
/// </summary>
internal sealed class ChangeDecision
{
    private readonly DirectoryState _state;
    private readonly DirectoryLimits _limits;

    // Intervals begun by this batch, so that one that ends in it too is one row.
    private readonly Dictionary<(long Group, long User), long> _begun = [];
    private readonly Dictionary<(long User, string Filter), long> _begunFilters = [];
    private readonly Dictionary<string, long> _unknown = new(StringComparer.Ordinal);

    private InboxMarked? _marks;

    private ChangeDecision(DirectoryState state, DirectoryLimits limits) => (_state, _limits) = (state, limits);

    public List<ChangeOutcome> Outcomes { get; } = [];

    /// <summary>What took a version, in order: what changes nothing has none, or the log would have a hole.</summary>
    public List<DirectoryEntry> Entries { get; } = [];
    public DirectoryWrites Writes { get; } = new();

    /// <summary>Users without a number. They have to be made before this can be written.</summary>
    public IEnumerable<string> NewUsers => _unknown.Keys.Order(StringComparer.Ordinal);

    public bool IsWritable => _unknown.Count == 0;

    public static ChangeDecision Make(ChangeBatch batch, DirectoryState state)
    {
        var decision = new ChangeDecision(state, batch.Limits);
        foreach (var change in batch.Changes) decision.Outcomes.Add(decision.Decide(change));
        return decision;
    }

    /// <summary>The entries as they are stored.</summary>
    public List<LogEntry> ToLog() => Entries.ConvertAll(entry => new LogEntry
    {
        Version = entry.Version,
        Id = Guid.CreateVersion7(),
        Kind = entry.Kind,
        Topic = entry.Kind.ToString(),
        PublishedAt = _state.Now,
        Content = entry.ToContent(),
    });

    private ChangeOutcome Decide(DirectoryChange change) => change switch
    {
        DirectoryChange.PutGroup put => Put(put),
        DirectoryChange.DeleteGroup delete => Delete(delete.Group),
        DirectoryChange.ChangeMembers members => Change(members),
        DirectoryChange.JoinGroups join => Join(join),
        DirectoryChange.LeaveGroups leave => Leave(leave),
        DirectoryChange.Subscribe subscribe => Subscribe(subscribe),
        DirectoryChange.Unsubscribe unsubscribe => Unsubscribe(unsubscribe),
        DirectoryChange.ChangeAttributes attributes => Change(attributes),
        DirectoryChange.ApplyRule applied => Apply(applied),
        DirectoryChange.ActivateGroup activated => Activate(activated),
        DirectoryChange.CreateKey create => Create(create.Key),
        DirectoryChange.RevokeKey revoke => Revoke(revoke.Key),
        DirectoryChange.RevokeTokens revoke => Revoke(revoke),
        DirectoryChange.Disconnect disconnect => Disconnect(disconnect.User),
        DirectoryChange.MarkInbox mark => Mark(mark),
        _ => throw new NotSupportedException(change.GetType().Name),
    };

    private ChangeOutcome Put(DirectoryChange.PutGroup put)
    {
        if (!_state.Groups.TryGetValue(put.Group, out var group))
        {
            var created = New(put, NextVersion);
            return Stored(new GroupChanged(created.Number, GroupChange.Created)) with { Created = true };
        }

        if (group.Rule == put.Rule) return new ChangeOutcome { Members = group.Members };
        if (group.Rule is not null && put.Rule is not null)
        {
            group.Rule = put.Rule;
            Writes.NewRules.Add((group.Number, put.Rule));
            RuleChanged();
            return Stored(new GroupChanged(group.Number, GroupChange.RuleChanged)) with { Members = group.Members };
        }

        // From static to dynamic or back: the membership begins anew, in a generation of its own.
        RuleChanged();
        End(put.Group, group);
        var next = New(put, NextVersion);
        return Stored(new GroupChanged(next.Number, GroupChange.Replaced, group.Number));
    }

    private ChangeOutcome Delete(string name)
    {
        if (!_state.Groups.TryGetValue(name, out var group)) return UnknownGroup(name);
        if (group.Rule is not null) RuleChanged();
        End(name, group);
        return Stored(new GroupChanged(group.Number, GroupChange.Deleted));
    }

    private ChangeOutcome Change(DirectoryChange.ChangeMembers change)
    {
        if (!_state.Groups.TryGetValue(change.Group, out var group)) return UnknownGroup(change.Group);
        if (group.Rule is not null) return DynamicGroup(change.Group);
        var joined = new HashSet<long>();
        foreach (var name in change.Add)
        {
            if (_state.Users.TryGetValue(name, out var known) && _state.Members.Contains((group.Number, known))) continue;
            var user = Number(name);
            if (joined.Add(user) && _state.GroupsOf.GetValueOrDefault(user) >= _limits.GroupsPerUser)
                return new ChangeOutcome { Status = ChangeStatus.TooManyGroups, Subject = name };
        }

        var left = new HashSet<long>();
        foreach (var name in change.Remove)
        {
            if (_state.Users.TryGetValue(name, out var user) && _state.Members.Contains((group.Number, user))) left.Add(user);
        }

        return Move([(group, [.. joined], [.. left])]) with { Members = group.Members };
    }

    private ChangeOutcome Join(DirectoryChange.JoinGroups join)
    {
        if (Static(join.Groups, out var groups) is { } refused) return refused;
        var known = _state.Users.TryGetValue(join.User, out var user);
        groups.RemoveAll(group => known && _state.Members.Contains((group.Number, user)));
        if (groups.Count == 0) return new ChangeOutcome();
        if (!known) user = Number(join.User);
        if (_state.GroupsOf.GetValueOrDefault(user) + groups.Count > _limits.GroupsPerUser)
            return new ChangeOutcome { Status = ChangeStatus.TooManyGroups, Subject = join.User };
        return Move(groups.ConvertAll(group => (group, new[] { user }, Array.Empty<long>())));
    }

    private ChangeOutcome Leave(DirectoryChange.LeaveGroups leave)
    {
        if (Static(leave.Groups, out var groups) is { } refused) return refused;
        if (!_state.Users.TryGetValue(leave.User, out var user)) return new ChangeOutcome();
        groups.RemoveAll(group => !_state.Members.Contains((group.Number, user)));
        return Move(groups.ConvertAll(group => (group, Array.Empty<long>(), new[] { user })));
    }

    private ChangeOutcome Subscribe(DirectoryChange.Subscribe subscribe)
    {
        var known = _state.Users.TryGetValue(subscribe.User, out var user);
        string[] added = [.. subscribe.Filters.Distinct(StringComparer.Ordinal).Where(filter => !known || !_state.Filters.Contains((user, filter)))];
        if (added.Length == 0) return new ChangeOutcome();
        if (!known) user = Number(subscribe.User);
        if (_state.FiltersOf.GetValueOrDefault(user) + added.Length > _limits.SubscriptionsPerUser)
            return new ChangeOutcome { Status = ChangeStatus.TooManySubscriptions, Subject = subscribe.User };

        var outcome = Stored(new SubscriptionsChanged(user, added, [])) with { Added = added.Length };
        foreach (var filter in added)
        {
            _state.Filters.Add((user, filter));
            _begunFilters[(user, filter)] = outcome.Version;
            Writes.NewFilters[(user, filter, outcome.Version)] = Interval.Open;
        }

        _state.FiltersOf[user] = _state.FiltersOf.GetValueOrDefault(user) + added.Length;
        return outcome;
    }

    private ChangeOutcome Unsubscribe(DirectoryChange.Unsubscribe unsubscribe)
    {
        if (!_state.Users.TryGetValue(unsubscribe.User, out var user)) return new ChangeOutcome();
        string[] removed = [.. unsubscribe.Filters.Distinct(StringComparer.Ordinal).Where(filter => _state.Filters.Contains((user, filter)))];
        if (removed.Length == 0) return new ChangeOutcome();

        var outcome = Stored(new SubscriptionsChanged(user, [], removed)) with { Removed = removed.Length };
        foreach (var filter in removed)
        {
            _state.Filters.Remove((user, filter));
            if (_begunFilters.Remove((user, filter), out var since)) Writes.NewFilters[(user, filter, since)] = outcome.Version;
            else Writes.EndedFilters.Add((user, filter, outcome.Version));
        }

        _state.FiltersOf[user] = _state.FiltersOf.GetValueOrDefault(user) - removed.Length;
        return outcome;
    }

    private ChangeOutcome Change(DirectoryChange.ChangeAttributes change)
    {
        if (_state.RulesRevision != change.RulesRevision || Writes.RulesRevision is not null) return Superseded;
        if (!_state.Attributes.TryGetValue(change.User, out var attributes) || change.Decide(attributes) is not { } decided) return Superseded;
        var user = attributes.User;
        var moves = decided.Groups.Where(group => _state.Members.Contains((group.Group, user)) != group.IsMember)
            .Select(group => (Ruled(group.Group), group.IsMember ? new[] { user } : [], group.IsMember ? Array.Empty<long>() : [user])).ToList();

        // A change that moves no user is stored without the log's lock.
        if (moves.Count == 0) return Superseded;
        Writes.Attributes[user] = (decided.Json, decided.ClaimsIssuedAt);
        _state.Attributes[change.User] = attributes with { Json = decided.Json, ClaimsIssuedAt = decided.ClaimsIssuedAt };
        return Move(moves);
    }

    private ChangeOutcome Apply(DirectoryChange.ApplyRule change)
    {
        var group = change.Work.Group;
        if (!IsOwn(change.Work, isActive: true)) return Superseded;
        return Move([Moved(group, change.Differences.Select(difference => difference.User), change.Rule)]);
    }

    private ChangeOutcome Activate(DirectoryChange.ActivateGroup change)
    {
        var group = change.Work.Group;
        if (!IsOwn(change.Work, isActive: false)) return Superseded;
        if (_state.TooManyChanged.Contains(group)) return new ChangeOutcome { Status = ChangeStatus.TooManyChanged };
        var changed = _state.Satisfies.Keys.Where(asked => asked.Group == group).Select(asked => asked.User).Concat(Writes.Attributes.Keys).Distinct();
        var (_, joined, left) = Moved(group, changed, change.Rule);
        RuleChanged();
        var outcome = Stored(new GroupChanged(group, GroupChange.Activated));
        foreach (var user in joined) Begin(group, user, outcome.Version);
        foreach (var user in left) End(group, user, outcome.Version);
        var members = change.Filled + joined.Length - left.Length;
        Writes.Activated.Add((group, outcome.Version, members));
        return outcome with { Members = members };
    }

    // After another change of rules in the batch nothing that was worked out for the ones before is entered.
    private bool IsOwn(RuleWork work, bool isActive) =>
        Writes.RulesRevision is null && _state.Rules.TryGetValue(work.Group, out var rule)
        && rule.Revision == work.Revision && rule.Owner == work.Owner && rule.IsActive == isActive;

    /// <summary>Those whose membership is not what the rule says now, changes of this batch included.</summary>
    private (GroupState Group, long[] Joined, long[] Left) Moved(long group, IEnumerable<long> users, RuleTest rule)
    {
        var (joined, left) = (new List<long>(), new List<long>());
        foreach (var user in users)
        {
            bool satisfied;
            if (Writes.Attributes.TryGetValue(user, out var changed)) satisfied = rule.IsSatisfied(changed.Json);
            else if (!_state.Satisfies.TryGetValue((group, user), out satisfied)) continue;
            if (_state.Members.Contains((group, user)) != satisfied) (satisfied ? joined : left).Add(user);
        }

        return (Ruled(group), [.. joined], [.. left]);
    }

    private GroupState Ruled(long number) =>
        _state.Groups.Values.FirstOrDefault(group => group.Number == number) ?? new GroupState { Number = number, Rule = "", Members = 0 };

    private static ChangeOutcome Superseded => new() { Status = ChangeStatus.Superseded };

    private ChangeOutcome Create(NewApiKey key)
    {
        if (!_state.Keys.Add(key.Id)) return new ChangeOutcome { Status = ChangeStatus.Exists };
        var outcome = Stored(new KeysChanged(key.Id, false));
        Writes.NewKeys.Add((key, outcome.Version));
        return outcome;
    }

    private ChangeOutcome Revoke(string key)
    {
        if (!_state.Keys.Remove(key)) return new ChangeOutcome { Status = ChangeStatus.UnknownKey };
        if (Writes.NewKeys.RemoveAll(added => added.Key.Id == key) == 0) Writes.RevokedKeys.Add(key);
        return Stored(new KeysChanged(key, true));
    }

    private ChangeOutcome Revoke(DirectoryChange.RevokeTokens revoke)
    {
        var user = Number(revoke.User);
        var second = DateTimeOffset.FromUnixTimeSeconds((revoke.IssuedBefore ?? _state.Now).ToUnixTimeSeconds());
        var outcome = Stored(new TokensRevoked(user, second));
        Writes.Revocations[user] = (second, outcome.Version);
        return outcome;
    }

    // A connected user has been mentioned: reading what is the user's gives the number.
    private ChangeOutcome Disconnect(string name) => _state.Users.TryGetValue(name, out var user) ? Stored(new Disconnected(user)) : new ChangeOutcome();

    /// <summary>One entry for all marks of the batch, at the place of the first one that changes something.</summary>
    private ChangeOutcome Mark(DirectoryChange.MarkInbox mark)
    {
        if (mark.Epoch != _state.Epoch) return new ChangeOutcome { Status = ChangeStatus.OtherEpoch };
        var user = Number(mark.User); // something may have come to it although it was never mentioned
        var version = _marks?.Version ?? NextVersion;
        var order = InboxMarksDecision.OrderOf(version, Outcomes.Count);
        var result = mark.Items is null
            ? InboxMarksDecision.UpTo(_state.Inbox, Writes, user, mark, order, _state.Now, _state.KeptFrom)
            : InboxMarksDecision.Items(_state.Inbox, Writes, user, mark, order, _state.Now);
        if (result != ChangeStatus.Done || !InboxMarksDecision.Changed(_state.Inbox)) return new ChangeOutcome { Status = result };
        if (_marks is null)
        {
            _marks = new InboxMarked([]) { Version = version };
            Entries.Add(_marks);
        }

        _marks.Marks.Add(new MarkedInbox(user, mark.Operation, mark.Items is null ? mark.UpTo : null, mark.Items?.Select(item => item.Version).ToArray(),
            mark.Filter.Length == 0 ? null : mark.Filter));
        return new ChangeOutcome { Version = version };
    }

    private ChangeOutcome? Static(IReadOnlyList<string> names, out List<GroupState> groups)
    {
        groups = new List<GroupState>(names.Count);
        foreach (var name in names.Distinct(StringComparer.Ordinal))
        {
            if (!_state.Groups.TryGetValue(name, out var group)) return UnknownGroup(name);
            if (group.Rule is not null) return DynamicGroup(name);
            groups.Add(group);
        }

        return null;
    }

    /// <summary>All of it at one version; none when it is nothing.</summary>
    private ChangeOutcome Move(List<(GroupState Group, long[] Joined, long[] Left)> moves)
    {
        moves.RemoveAll(move => move.Joined.Length + move.Left.Length == 0);
        if (moves.Count == 0) return new ChangeOutcome();
        var outcome = Stored(new MembersChanged(moves.ConvertAll(move => new GroupMembersChanged(move.Group.Number, move.Joined, move.Left))));
        foreach (var (group, joined, left) in moves)
        {
            foreach (var user in joined) Begin(group.Number, user, outcome.Version);
            foreach (var user in left) End(group.Number, user, outcome.Version);
            group.Members += joined.Length - left.Length;
            Writes.MemberCounts[group.Number] = Writes.MemberCounts.GetValueOrDefault(group.Number) + joined.Length - left.Length;
        }

        return outcome with { Added = moves.Sum(move => move.Joined.Length), Removed = moves.Sum(move => move.Left.Length) };
    }

    private void Begin(long group, long user, long version)
    {
        _state.Members.Add((group, user));
        _state.GroupsOf[user] = _state.GroupsOf.GetValueOrDefault(user) + 1;
        _begun[(group, user)] = version;
        Writes.NewMemberships[(group, user, version)] = Interval.Open;
    }

    private void End(long group, long user, long version)
    {
        _state.Members.Remove((group, user));
        _state.GroupsOf[user] = _state.GroupsOf.GetValueOrDefault(user) - 1;
        if (_begun.Remove((group, user), out var since)) Writes.NewMemberships[(group, user, since)] = version;
        else Writes.EndedMemberships.Add((group, user, version));
    }

    private GroupState New(DirectoryChange.PutGroup put, long version)
    {
        if (put.Rule is not null) RuleChanged();

        // A dynamic one has its members when they have been filled in, from the version of the entry that says so.
        Writes.NewGroups.Add((version, put.Group, put.Rule, put.Rule is null ? version : Interval.Open, Interval.Open));
        return _state.Groups[put.Group] = new GroupState { Number = version, Rule = put.Rule, Members = 0 };
    }

    /// <summary>One row, whatever the number of its memberships: they hold only while the generation does.</summary>
    private void End(string name, GroupState group)
    {
        _state.Groups.Remove(name);
        foreach (var (_, user) in _state.Members.Where(member => member.Group == group.Number))
            _state.GroupsOf[user] = _state.GroupsOf.GetValueOrDefault(user) - 1;
        var begun = Writes.NewGroups.FindIndex(added => added.Number == group.Number);
        if (begun >= 0) Writes.NewGroups[begun] = Writes.NewGroups[begun] with { Until = NextVersion };
        else Writes.EndedGroups.Add((group.Number, NextVersion));
    }

    private void RuleChanged() => Writes.RulesRevision ??= _state.RulesRevision + 1;

    private long NextVersion => _state.Head + Entries.Count + 1;

    private ChangeOutcome Stored(DirectoryEntry entry)
    {
        var version = NextVersion;
        Entries.Add(entry with { Version = version });
        return new ChangeOutcome { Version = version };
    }

    private long Number(string name)
    {
        if (_state.Users.TryGetValue(name, out var user)) return user;
        _unknown.Add(name, user = -1 - _unknown.Count);
        return _state.Users[name] = user;
    }

    private static ChangeOutcome UnknownGroup(string name) => new() { Status = ChangeStatus.UnknownGroup, Subject = name };

    private static ChangeOutcome DynamicGroup(string name) => new() { Status = ChangeStatus.DynamicGroup, Subject = name };
}
