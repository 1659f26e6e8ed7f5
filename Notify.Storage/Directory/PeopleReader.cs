using Notify.Storage.Log;

namespace Notify.Storage.Directory;

/// <summary>Puts the rows of a reading together, in the order of what was asked.</summary>
internal sealed class PeopleReader(IReadOnlyList<SessionUser> asked)
{
    private readonly long?[] _numbers = new long?[asked.Count];
    private readonly List<Membership>?[] _groups = new List<Membership>?[asked.Count];
    private readonly List<DurableSubscription>?[] _filters = new List<DurableSubscription>?[asked.Count];
    private readonly long?[] _acknowledged = new long?[asked.Count];

    public LogHead Head { get; set; }

    /// <summary>Users without a number, each once and in ordinal order.</summary>
    public List<string> Unknown =>
        [.. asked.Where((_, position) => _numbers[position] is null).Select(user => user.User).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    public void Found(int position, long number) => _numbers[position] = number;

    public void Add(int position, Membership membership) => (_groups[position] ??= []).Add(membership);

    public void Add(int position, DurableSubscription subscription) => (_filters[position] ??= []).Add(subscription);

    public void Acknowledged(int position, long version) => _acknowledged[position] = version;

    public PeopleReading Result()
    {
        var users = new UserReading[asked.Count];
        for (var i = 0; i < users.Length; i++)
            users[i] = new UserReading(_numbers[i] ?? throw new InvalidOperationException("A user was made and is not there."), asked[i].User, _groups[i]
                ?? [], _filters[i] ?? [], _acknowledged[i]);
        return new PeopleReading(Head, users);
    }
}
