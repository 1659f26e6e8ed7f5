using Notify.Tests.Faults.Checking;
using Notify.Tests.Faults.Traffic;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults.Members;

/// <summary>Users that are put into groups and out of them under a run's traffic, and a publisher to the groups.</summary>
internal sealed class MemberTraffic(IReadOnlyList<Uri> nodes, Func<TimeSpan> now, Func<Recorder> recorder, Random random) : IAsyncDisposable
{
    private const int Users = 4;
    private const int Groups = 2;

    private readonly List<(string User, RawFollower Follower)> _followers = [];
    private MemberChanger? _changer;
    private FaultPublisher? _publisher;

    public IReadOnlyList<MemberChange> Changes => _changer?.Changes ?? [];

    /// <summary>Followers first, until they are live; one user has two connections.</summary>
    /// <param name="run">Names the users and groups of this run.</param>
    public async Task StartAsync(string run)
    {
        string[] users = [.. Enumerable.Range(0, Users).Select(i => $"{run}-u{i}")];
        string[] groups = [.. Enumerable.Range(0, Groups).Select(i => $"{run}-g{i}")];
        var topics = groups.Select(group => $"$group/{group}").ToHashSet();
        foreach (var user in users.Append(users[0]))
            _followers.Add((user, new RawFollower($"{user} {_followers.Count}", nodes, [], topics, recorder(), random.Next(), $"user={user}")));
        await Eventually.TrueAsync(() => _followers.TrueForAll(one => one.Follower.Recorder.CaughtUp > 0), "all members are live");
        _changer = new MemberChanger(nodes, users, groups, now, random.Next());
        _publisher = new FaultPublisher($"{run}-gp", nodes, [.. topics], now, random.Next());
    }

    /// <summary>
    /// Nothing new is begun; waits for what members are owed, and does not fail: what has not come within the patience is for the checker
    /// to name. Everybody leaves then.
    /// </summary>
    public async Task<MemberHistory> StopAsync(IReadOnlyList<Destroyed> destroyed, TimeSpan patience)
    {
        await _changer!.StopAsync();
        await _publisher!.StopAsync(patience);
        var history = new MemberHistory(_changer.Changes, _publisher.Published, []) { Destroyed = destroyed };
        var owed = MemberChecker.Owed(history).ToLookup(one => one.User, one => one.Published.Body);
        var deadline = now() + patience;
        while (now() < deadline && !_followers.TrueForAll(one => owed[one.User].All(one.Follower.Recorder.Has)))
            await Task.Delay(TimeSpan.FromMilliseconds(20), TimeProvider.System);
        await Task.WhenAll(_followers.Select(one => one.Follower.DisposeAsync().AsTask()));
        history = history with { Journals = [.. _followers.Select(one => new MemberJournal(one.User, one.Follower.Journal))] };
        _followers.Clear();
        return history;
    }

    public async ValueTask DisposeAsync()
    {
        if (_changer is not null) await _changer.DisposeAsync();
        if (_publisher is not null) await _publisher.DisposeAsync();
        foreach (var (_, follower) in _followers) await follower.DisposeAsync();
        _followers.Clear();
    }
}
