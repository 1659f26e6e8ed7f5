using System.Reflection;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using Microsoft.Extensions.Time.Testing;
using Notify.Contracts;
using Notify.Engine.Configuration;
using Notify.Engine.Directory;
using Notify.Engine.Publishing;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Storage.Sqlite;
using Notify.Tests.Fixtures;
using Notify.Tests.Publishing;

namespace Notify.Tests.People;

public sealed class DirectoryWriterTests : IAsyncLifetime
{
    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    private readonly string _folder = Directory.CreateTempSubdirectory("notify-writer-").FullName;
    private readonly HandedOver _handedOver = new();
    private readonly FakeTimeProvider _time = new();
    private readonly NotifyOptions _options = new();
    private readonly AppendTurn _turn = new();
    private readonly ServiceProvider _services = new ServiceCollection().AddMetrics().BuildServiceProvider();
    private readonly List<ChangeBatch> _batches = [];

    /// <summary>What happens to a batch on its way to the store.</summary>
    private Func<ChangeBatch, Func<Task<ChangeResult>>, Task<ChangeResult>> _onChange = (_, make) => make();
    private INotificationLog _store = null!;
    private INotificationLog _log = null!;
    private DirectoryWriter _writer = null!;

    public async ValueTask InitializeAsync()
    {
        _options.Limits.GroupsPerUser = 2;
        _store = await SqliteLog.OpenAsync(new() { SqlitePath = Path.Combine(_folder, "log.db") }, Stop);
        var directory = Intercept<IDirectory>(_store.Directory, nameof(IDirectory.ChangeAsync), (arguments, make) =>
        {
            var batch = (ChangeBatch)arguments[0]!;
            lock (_batches) _batches.Add(batch);
            return _onChange(batch, () => (Task<ChangeResult>)make()!);
        });
        _log = Intercept<INotificationLog>(_store, "get_Directory", (_, _) => directory);
        _writer = new DirectoryWriter(_log, _handedOver, _turn, Options.Create(_options), _time, NullLogger<DirectoryWriter>.Instance);
        await _writer.StartAsync(Stop);
    }

    public async ValueTask DisposeAsync()
    {
        using var now = new CancellationTokenSource(TimeSpan.Zero);
        await _writer.StopAsync(now.Token);
        _writer.Dispose();
        await _store.DisposeAsync();
        await _services.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_change_is_answered_with_its_version_and_its_entry_is_handed_on_before()
    {
        var made = Assert.IsType<ChangeAnswer.Made>(await MakeAsync(new DirectoryChange.PutGroup("ops")));
        Assert.Equal((1L, 1L, true), (made.Outcome.Version, made.Head, made.Outcome.Created));
        Assert.Equal((1L, EntryKind.GroupChanged), (Assert.Single(_handedOver.Stored).Version, _handedOver.Stored.First().Kind));
        var again = Assert.IsType<ChangeAnswer.Made>(await MakeAsync(new DirectoryChange.PutGroup("ops")));
        Assert.Equal((0L, 1L), (again.Outcome.Version, again.Head));
        Assert.Single(_handedOver.Stored);
    }

    [Fact]
    public async Task A_refused_change_has_a_code_and_leaves_the_others_alone()
    {
        await MakeAsync(new DirectoryChange.PutGroup("ruled", "@.x == 1"));
        await MakeAsync(new DirectoryChange.PutGroup("ops"));
        var answers = await Task.WhenAll(
            MakeAsync(new DirectoryChange.JoinGroups("alice", ["none"])),
            MakeAsync(new DirectoryChange.ChangeMembers("ruled", ["alice"], [])),
            MakeAsync(new DirectoryChange.RevokeKey("none")),
            MakeAsync(new DirectoryChange.JoinGroups("alice", ["ops"])));
        Assert.Equal(
            [ErrorCodes.NotFound, ErrorCodes.InvalidRequest, ErrorCodes.NotFound],
                answers[..3].Select(answer => Assert.IsType<ChangeAnswer.Refused>(answer).Refusal.Code));
        Assert.Equal(3, Assert.IsType<ChangeAnswer.Made>(answers[3]).Outcome.Version);

        await MakeAsync(new DirectoryChange.PutGroup("b"));
        await MakeAsync(new DirectoryChange.PutGroup("c"));
        var tooMany = Assert.IsType<ChangeAnswer.Refused>(await MakeAsync(new DirectoryChange.JoinGroups("alice", ["b", "c"])));
        Assert.Contains("more than 2 groups (Notify:Limits:GroupsPerUser)", tooMany.Refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_comes_while_a_batch_is_under_way_is_the_next_batch_as_far_as_its_rows_go()
    {
        var gate = new TaskCompletionSource();
        _onChange = async (_, make) =>
        {
            await gate.Task;
            return await make();
        };
        var first = MakeAsync(new DirectoryChange.PutGroup("g"));
        await Eventually.TrueAsync(() => _batches.Count == 1, "the first is under way");
        var others = Enumerable.Range(0, 5)
            .Select(i => MakeAsync(new DirectoryChange.ChangeMembers("g", [.. Enumerable.Range(0, 300).Select(n => $"u{i}-{n}")], []))).ToArray();
        gate.SetResult();
        await Task.WhenAll([first, .. others]);
        Assert.Equal([1, 3, 2], _batches.Select(batch => batch.Changes.Count));
        Assert.Equal(1500, (await _store.Directory.FindGroupAsync("g", Stop))!.Members);
    }

    [Fact]
    public async Task An_unknown_outcome_is_repeated_as_the_same_batch_before_any_append_of_this_node()
    {
        var lost = new TaskCompletionSource();
        _onChange = async (batch, make) =>
        {
            var result = await make();
            if (_batches.Count > 1) return result;
            lost.SetResult();
            throw new AppendOutcomeUnknownException("the answer was lost");
        };
        var change = MakeAsync(new DirectoryChange.PutGroup("g"));
        await lost.Task;
        using var publisher = new Publisher(
            _log, _handedOver, _turn, Options.Create(_options),
                new PublishingMetrics(_services.GetRequiredService<System.Diagnostics.Metrics.IMeterFactory>()), _time, NullLogger<Publisher>.Instance);
        await publisher.StartAsync(Stop);
        var publish = publisher.PublishAsync(new PublishCommand("t", "{}"u8.ToArray(), null, false, null), null, Stop);
        Assert.Equal(1, (await _store.ReadHeadAsync(Stop)).Head);
        await AdvanceUntilAsync(change);

        Assert.Equal(1, Assert.IsType<ChangeAnswer.Made>(await change).Outcome.Version);
        Assert.Equal(_batches[0].Id, _batches[1].Id);
        Assert.Same(_batches[0].Changes, _batches[1].Changes);
        await AdvanceUntilAsync(publish);
        Assert.Equal(2, Assert.IsType<PublishOutcome.Accepted>(await publish).Version);
        Assert.Equal([1L, 2L], _handedOver.Stored.Select(entry => entry.Version));
        await publisher.StopAsync(Stop);
    }

    [Fact]
    public async Task Storage_that_is_away_is_told_at_the_deadline_and_what_was_told_is_not_made_behind_it()
    {
        _onChange = (_, _) => throw new StorageUnavailableException("away");
        var change = MakeAsync(new DirectoryChange.PutGroup("g"));
        await AdvanceUntilAsync(change);
        var refused = Assert.IsType<ChangeAnswer.Refused>(await change);
        Assert.Equal(ErrorCodes.StorageUnavailable, refused.Refusal.Code);
        Assert.Contains("Nothing of this was made", refused.Refusal.Detail, StringComparison.Ordinal);

        _onChange = (_, make) => make();
        var next = MakeAsync(new DirectoryChange.PutGroup("h"));
        await AdvanceUntilAsync(next);
        Assert.Equal(1, Assert.IsType<ChangeAnswer.Made>(await next).Outcome.Version);
        Assert.Null(await _store.Directory.FindGroupAsync("g", Stop));
    }

    [Fact]
    public async Task An_outcome_that_stays_unknown_is_told_as_that_at_the_deadline()
    {
        _onChange = (_, _) => throw new AppendOutcomeUnknownException("lost");
        var change = MakeAsync(new DirectoryChange.PutGroup("g"));
        await AdvanceUntilAsync(change);
        Assert.Contains("may or may not be made", Assert.IsType<ChangeAnswer.Refused>(await change).Refusal.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_node_that_stops_answers_what_it_no_longer_makes()
    {
        var asked = new TaskCompletionSource();
        _onChange = (_, _) =>
        {
            asked.TrySetResult();
            throw new StorageUnavailableException("away");
        };
        var change = MakeAsync(new DirectoryChange.PutGroup("g"));
        await asked.Task;
        using (var now = new CancellationTokenSource(TimeSpan.Zero)) await _writer.StopAsync(now.Token);
        Assert.Equal(ErrorCodes.StorageUnavailable, Assert.IsType<ChangeAnswer.Refused>(await change).Refusal.Code);
        Assert.Contains("stopping", Assert.IsType<ChangeAnswer.Refused>(await MakeAsync(new DirectoryChange.PutGroup("h"))).Refusal.Detail,
            StringComparison.Ordinal);
    }

    private Task<ChangeAnswer> MakeAsync(DirectoryChange change) => _writer.MakeAsync(change, Stop);

    private Task AdvanceUntilAsync(Task task) => Eventually.TrueAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(100));
            return task.IsCompleted;
        },
        "it is answered");

    private static T Intercept<T>(T inner, string member, Func<object?[], Func<object?>, object?> instead)
        where T : class
    {
        var proxy = DispatchProxy.Create<T, Intercepted<T>>();
        ((Intercepted<T>)(object)proxy).Divert(inner, member, instead);
        return proxy;
    }

    /// <summary>An interface with one member that does something else.</summary>
    public class Intercepted<T> : DispatchProxy
        where T : class
    {
        private T _inner = null!;
        private string _member = "";
        private Func<object?[], Func<object?>, object?> _instead = null!;

        internal void Divert(T inner, string member, Func<object?[], Func<object?>, object?> instead) => (_inner, _member, _instead) = (inner, member, instead);

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
        {
            object? Call() => targetMethod!.Invoke(_inner, args);
            return targetMethod!.Name == _member ? _instead(args ?? [], Call) : Call();
        }
    }
}
