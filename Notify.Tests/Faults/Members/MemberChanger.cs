using System.Net;
using System.Net.Http.Json;

namespace Notify.Tests.Faults.Members;

/// <summary>Puts users into groups and takes them out, one after the other, each until it is answered, on whatever node answers.</summary>
internal sealed class MemberChanger : IAsyncDisposable
{
    private static readonly TimeSpan AnswerLimit = TimeSpan.FromSeconds(4);
    private const string NothingMade = "Nothing of this was made";

    private static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(40);

    private readonly IReadOnlyList<Uri> _nodes;
    private readonly IReadOnlyList<string> _users;
    private readonly IReadOnlyList<string> _groups;
    private readonly Func<TimeSpan> _now;
    private readonly Random _random;
    private readonly Lock _gate = new();
    private readonly List<MemberChange> _changes = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly HttpClient _http = new(new SocketsHttpHandler { ConnectTimeout = TimeSpan.FromSeconds(1) }) { Timeout = AnswerLimit };
    private readonly Task _running;

    /// <param name="nodes">The addresses of all nodes.</param>
    /// <param name="users">Who comes and goes.</param>
    /// <param name="groups">Where, by name.</param>
    /// <param name="now">The run's clock.</param>
    /// <param name="seed">Decides which user joins and leaves what.</param>
    public MemberChanger(IReadOnlyList<Uri> nodes, IReadOnlyList<string> users, IReadOnlyList<string> groups, Func<TimeSpan> now, int seed)
    {
        (_nodes, _users, _groups, _now, _random) = (nodes, users, groups, now, new Random(seed));
        _running = RunAsync();
    }

    public IReadOnlyList<MemberChange> Changes
    {
        get
        {
            lock (_gate) return [.. _changes];
        }
    }

    /// <summary>Begins nothing new; what was begun may never be answered.</summary>
    public async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running;
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _http.Dispose();
        _stop.Dispose();
    }

    private async Task RunAsync()
    {
        var members = new HashSet<(string, string)>();
        while (!_stop.IsCancellationRequested)
        {
            var (user, group) = (_users[_random.Next(_users.Count)], _groups[_random.Next(_groups.Count)]);
            var joins = !members.Remove((user, group));
            if (joins) members.Add((user, group));
            await UntilAnsweredAsync(user, group, joins);
            await Task.WhenAny(Task.Delay(Pace, TimeProvider.System, _stop.Token));
        }
    }

    // Repeating it is safe: a user that is in the group already, or out of it, stays so.
    private async Task UntilAnsweredAsync(string user, string group, bool joins)
    {
        int index;
        lock (_gate)
        {
            index = _changes.Count;
            _changes.Add(new MemberChange(user, $"$group/{group}", joins, _now(), null));
        }

        while (!_stop.IsCancellationRequested)
        {
            try
            {
                var node = _nodes[_random.Next(_nodes.Count)];
                var path = new Uri(node, $"api/v1/groups/{group}/members");
                var change = joins ? (object)new { add = new[] { user } } : new { remove = new[] { user } };
                using var answer = await _http.PostAsJsonAsync(path, change, _stop.Token);
                if (answer.IsSuccessStatusCode)
                {
                    lock (_gate) _changes[index] = _changes[index] with { AnsweredAt = _now() };
                    return;
                }

                if (answer.StatusCode == HttpStatusCode.NotFound)
                {
                    // At first, and when a copy of the database of before took its place.
                    using var made = await _http.PutAsync(new Uri(node, $"api/v1/groups/{group}"), null, _stop.Token);
                }
                else if (!(await answer.Content.ReadAsStringAsync(_stop.Token)).Contains(NothingMade, StringComparison.Ordinal))
                {
                    MayComeLater();
                }
            }
            catch (Exception error) when (error is HttpRequestException or OperationCanceledException or IOException)
            {
                MayComeLater(); // nobody knows: again
            }

            await Task.WhenAny(Task.Delay(_random.Next(20, 100), _stop.Token));
        }

        void MayComeLater()
        {
            lock (_gate) _changes[index] = _changes[index] with { MayComeLater = true };
        }
    }
}
