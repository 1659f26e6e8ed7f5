using System.Text;
using System.Text.Json;
using Notify.Contracts.Topics;
using Notify.Engine.Directory;
using Notify.Engine.Directory.Attributes;
using Notify.Engine.Publishing;
using Notify.Server.Configuration;
using Notify.Storage;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Cluster;
using Notify.Tests.Fixtures;

namespace Notify.Tests.People;

/// <summary>One run of the model: the changes, the connections and their cuts, and in the end what each device was to get.</summary>
internal sealed class ModelRun : IAsyncDisposable
{
    private static readonly string[] Users = ["u0", "u1", "u2"];
    private static readonly string[] Groups = ["s0", "s1", "d0"];
    private static readonly string[] Durables = ["a/#", "a/1", "b/1"];
    private static readonly string[] Topics = ["$group/s0", "$group/s1", "$group/d0", "a/1", "a/2", "b/1", "named", "$user/u0", "$user/u1"];

    private readonly string _database;
    private readonly int _seed;
    private readonly INotificationLog[] _logs = new INotificationLog[2];
    private readonly ClusterNode?[] _nodes = new ClusterNode?[2];
    private readonly SemaphoreSlim[] _using = [new(1), new(1)];
    private readonly List<ModelClient> _clients = [];

    private ModelRun(string database, int seed) => (_database, _seed) = (database, seed);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    public static async Task<ModelRun> StartAsync(string database, int seed)
    {
        var run = new ModelRun(database, seed);
        for (var i = 0; i < 2; i++) await run.StartNodeAsync(i);
        var writer = run._nodes[0]!.Get<DirectoryWriter>();
        foreach (var group in Groups) await writer.MakeAsync(new DirectoryChange.PutGroup(group, group[0] == 'd' ? "@.x == 1" : null), Stop);
        var random = new Random(seed);
        foreach (var user in Users)
        {
            run._clients.Add(new ModelClient(user, device: null, narrow: false));
            run._clients.Add(new ModelClient(user, device: random.Next(2) == 0 ? "phone" : null, narrow: user == "u2"));
        }

        return run;
    }

    /// <summary>Runs until so many changes and thrice as many publishes are made, then connects everybody and waits for all of it.</summary>
    public async Task GoAsync(int changes)
    {
        using var over = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var going = _clients.Select((client, i) => Task.Run(() => ComeAndGoAsync(client, new Random(_seed * 31 + i), over.Token), Stop)).ToList();
        going.Add(Task.Run(() => RestartAsync(new Random(_seed * 17), over.Token), Stop));
        await Task.WhenAll(
            Task.Run(() => ChangeAsync(new Random(_seed * 7 + 1), changes / 2), Stop),
            Task.Run(() => ChangeAsync(new Random(_seed * 7 + 2), changes / 2), Stop),
            Task.Run(() => PublishAsync(new Random(_seed * 7 + 3), changes * 3), Stop));
        await over.CancelAsync();
        await Task.WhenAll(going);

        // Everybody is there in the end, and has passed the last one.
        var head = await AppendAsync(0, "named");
        foreach (var client in _clients) await client.ConnectAsync(_nodes[_seed % 2]!, Stop);
        foreach (var client in _clients) await Eventually.TrueAsync(() => client.HasPassed(head), $"{client} has passed {head}; NOTIFY_PEOPLE_SEED={_seed}");
    }

    /// <summary>What came and was not to, or was to and did not.</summary>
    public async Task<List<string>> JudgeAsync()
    {
        foreach (var client in _clients) client.Cut();
        var log = _logs[0];
        var entries = new List<LogEntry>();
        while ((await log.ReadAsync(entries.Count, 1000, 10_000_000, Stop)).Entries is { Count: > 0 } page) entries.AddRange(page);
        var reading = await log.Directory.ReadPeopleAsync([.. Users.Select(user => new SessionUser(user, null))], Stop);
        var findings = new List<string>();
        for (var i = 0; i < Users.Length; i++)
        {
            var held = reading.Users[i];
            var interests = held.Groups.Select(group => (Filter: TopicFilter.Exact("$group/" + group.Name), group.Held, IsDurable: false))
                .Concat(held.Subscriptions.Select(filter => (Filter: FilterOf(filter.Filter), filter.Held, IsDurable: true))).ToList();
            AreAsTheEntriesSay(entries, held, findings);
            foreach (var client in _clients.Where(client => client.User == Users[i]))
            {
                bool ToCome(LogEntry entry) =>
                    entry.Kind == EntryKind.Notification && (entry.Topic == "$user/" + client.User || entry.Topic == "named"
                    || interests.Exists(one =>
                        (!one.IsDurable || client.Covers(one.Filter)) && one.Held.Holds(entry.Version) && one.Filter.Matches(entry.Topic)));
                client.Judge(entries, ToCome, findings);
            }
        }

        return findings;
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var client in _clients) client.Cut();
        for (var i = 0; i < 2; i++)
        {
            if (_nodes[i] is { } node) await node.DisposeAsync();
            if (_logs[i] is { } log) await log.DisposeAsync();
            _using[i].Dispose();
        }
    }

    // The entries alone tell the intervals of static memberships and subscriptions: the directory must hold the same.
    private static void AreAsTheEntriesSay(List<LogEntry> entries, UserReading user, List<string> findings)
    {
        var open = new Dictionary<(bool, long, string), long>();
        var told = new HashSet<(string, Interval)>();
        foreach (var entry in entries.Where(entry => entry.Kind != EntryKind.Notification))
        {
            void Begin(bool group, long number, string filter) => open[(group, number, filter)] = entry.Version;
            void End(bool group, long number, string filter)
            {
                if (open.Remove((group, number, filter), out var since))
                    told.Add((group ? number.ToString(System.Globalization.CultureInfo.InvariantCulture) : filter, new Interval(since, entry.Version)));
            }

            switch (DirectoryEntry.Parse(entry))
            {
                case MembersChanged members:
                    foreach (var group in members.Groups.Where(group => group.Joined.Contains(user.Number))) Begin(true, group.Group, "");
                    foreach (var group in members.Groups.Where(group => group.Left.Contains(user.Number))) End(true, group.Group, "");
                    break;
                case GroupChanged { Change: GroupChange.Deleted } deleted:
                    End(true, deleted.Group, "");
                    break;
                case GroupChanged { Replaced: { } replaced }:
                    End(true, replaced, "");
                    break;
                case SubscriptionsChanged subscriptions when subscriptions.User == user.Number:
                    foreach (var filter in subscriptions.Added) Begin(false, 0, filter);
                    foreach (var filter in subscriptions.Removed) End(false, 0, filter);
                    break;
            }
        }

        foreach (var ((group, number, filter), since) in open)
            told.Add((group ? number.ToString(System.Globalization.CultureInfo.InvariantCulture) : filter, new Interval(since)));
        var stored = user.Groups.Where(group => group.Name[0] == 's')
            .Select(group => (group.Group.ToString(System.Globalization.CultureInfo.InvariantCulture), group.Held))
            .Concat(user.Subscriptions.Select(filter => (filter.Filter, filter.Held))).ToHashSet();
        foreach (var one in stored.Where(one => !told.Contains(one))) findings.Add($"{user.Name}: the directory has {one}, and no entry says so.");
        var ruled = user.Groups.Where(group => group.Name[0] == 'd').Select(group => group.Group.ToString(System.Globalization.CultureInfo.InvariantCulture))
            .ToHashSet();
        foreach (var one in told.Where(one => !stored.Contains(one) && !ruled.Contains(one.Item1)))
            findings.Add($"{user.Name}: an entry says {one}, and the directory does not have it.");
    }

    private async Task StartNodeAsync(int i)
    {
        _logs[i] = await PostgresLog.OpenAsync(new StorageOptions { Postgres = _database }, Stop);
        _nodes[i] = await ClusterNode.StartAsync(_logs[i], new ClusterSettings(_database, null));
    }

    private async Task ComeAndGoAsync(ModelClient client, Random random, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            var at = random.Next(2);
            try
            {
                if (_nodes[at] is { } node) await client.ConnectAsync(node, over);
            }
            catch (Exception error) when (error is StorageUnavailableException or OperationCanceledException or ObjectDisposedException
            or InvalidOperationException)
            {
                client.Cut(); // the node went while it came
            }

            await PauseAsync(random.Next(5, 120), over);
            if (random.Next(3) == 0) client.Acknowledge();
            client.Cut();
            if (random.Next(2) == 0) await PauseAsync(random.Next(5, 200), over);
        }
    }

    private async Task RestartAsync(Random random, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await PauseAsync(random.Next(400, 1200), over);
            var i = random.Next(2);
            await _using[i].WaitAsync(Stop);
            try
            {
                var (node, log) = (_nodes[i]!, _logs[i]);
                _nodes[i] = null;
                foreach (var client in _clients) client.CutFrom(node);
                await node.DisposeAsync();
                await log.DisposeAsync();
                await StartNodeAsync(i);
            }
            finally
            {
                _using[i].Release();
            }
        }
    }

    private async Task ChangeAsync(Random random, int count)
    {
        for (var made = 0; made < count; made++)
        {
            var (user, group) = (Users[random.Next(Users.Length)], Groups[random.Next(2)]);
            await OnAsync(random.Next(2), node => random.Next(12) switch
            {
                0 or 1 or 2 => MakeAsync(node, new DirectoryChange.JoinGroups(user, [group])),
                3 or 4 => MakeAsync(node, new DirectoryChange.LeaveGroups(user, [group])),
                5 => AgainAsync(node, group),
                6 => MakeAsync(node, new DirectoryChange.Subscribe(user, [Durables[random.Next(Durables.Length)]])),
                7 => MakeAsync(node, new DirectoryChange.Unsubscribe(user, [Durables[random.Next(Durables.Length)]])),
                8 => MakeAsync(node, new DirectoryChange.PutGroup("d0", $"@.x == {random.Next(2)}")),
                9 when random.Next(3) == 0 => MakeAsync(node, new DirectoryChange.DeleteGroup("d0")),
                _ => SetAsync(node, user, random.Next(3)),
            });
            await PauseAsync(random.Next(12), Stop);
        }
    }

    private static async Task AgainAsync(ClusterNode node, string group)
    {
        await MakeAsync(node, new DirectoryChange.DeleteGroup(group));
        await MakeAsync(node, new DirectoryChange.PutGroup(group));
    }

    private static async Task MakeAsync(ClusterNode node, DirectoryChange change) => await node.Get<DirectoryWriter>().MakeAsync(change, Stop);

    private static async Task SetAsync(ClusterNode node, string user, int x) =>
        await node.Get<AttributeChanges>().PatchAsync(user, JsonElement.Parse($$"""{"x":{{x}}}"""), AttributesPart.Others, Stop);

    private async Task PublishAsync(Random random, int count)
    {
        for (var i = 0; i < count; i++)
        {
            await AppendAsync(random.Next(2), [.. Enumerable.Range(0, random.Next(1, 4)).Select(_ => Topics[random.Next(Topics.Length)])]);
            if (random.Next(3) == 0) await PauseAsync(random.Next(15), Stop);
        }
    }

    private async Task<long> AppendAsync(int on, params string[] topics)
    {
        var last = 0L;
        await OnAsync(on, async node =>
        {
            var turn = node.Get<AppendTurn>();
            await turn.TakeAsync(Stop);
            try
            {
                var content = Encoding.UTF8.GetBytes("""{"title":"x","priority":"normal"}""");
                var batch = new AppendBatch(Guid.NewGuid(),
                    [.. topics.Select(topic => new NewEntry { Id = Guid.CreateVersion7(), Topic = topic, Content = content })]);
                var stored = await _logs[Array.IndexOf(_nodes, node)].AppendAsync(batch, Stop);
                node.Get<ICommitObserver>().Committed(stored.Epoch, stored.Stored);
                last = stored.Stored[^1].Version;
            }
            finally
            {
                turn.Give();
            }
        });
        return last;
    }

    /// <summary>On one of the nodes, which is not restarted meanwhile.</summary>
    private async Task OnAsync(int on, Func<ClusterNode, Task> work)
    {
        await _using[on].WaitAsync(Stop);
        try
        {
            await work(_nodes[on]!);
        }
        finally
        {
            _using[on].Release();
        }
    }

    private static async Task PauseAsync(int milliseconds, CancellationToken over) =>
        await Task.WhenAny(Task.Delay(milliseconds, over)); // not a failure when it is over

    private static TopicFilter FilterOf(string text) => TopicFilter.TryParse(text, out var filter, out _) ? filter : throw new ArgumentException(text);
}
