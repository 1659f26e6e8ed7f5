using System.Reflection;
using Microsoft.Extensions.Time.Testing;
using Notify.Engine.Directory;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Faults.Breaking;
using Notify.Tests.Fixtures;
using PeopleReader = Notify.Engine.Directory.PeopleReader;

namespace Notify.Tests.People;

public class PeopleReaderTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly CountedDirectory _directory = CountedDirectory.New();
    private readonly PeopleReader _reader;

    public PeopleReaderTests() => _reader = new PeopleReader(new LogOf((IDirectory)(object)_directory), _time);

    [Fact]
    public async Task Users_that_come_alone_are_read_at_once()
    {
        for (var i = 0; i < 5; i++) Assert.Equal($"u{i}", (await _reader.ReadAsync(new SessionUser($"u{i}", null))).User.Name);
        Assert.Equal([1, 1, 1, 1, 1], _directory.Batches);
    }

    [Fact]
    public async Task After_many_it_rests_so_that_more_come_together_for_as_long_as_they_were_many()
    {
        await TogetherAsync(21);
        var late = Read(300);
        _time.Advance(TimeSpan.FromMilliseconds(99)); // five for every user but the first
        await Task.Delay(20, TestContext.Current.CancellationToken);
        Assert.Equal([1, 21], _directory.Batches);
        await Eventually.TrueAsync(
            () =>
            {
                _time.Advance(TimeSpan.FromMilliseconds(1));
                return late.IsCompleted;
            },
            "read after the rest");
        Assert.Equal([1, 21, 300], _directory.Batches);
    }

    [Fact]
    public async Task As_many_as_one_query_takes_end_the_rest()
    {
        await TogetherAsync(100);
        Assert.Equal(500, (await Read(500)).Length);
        Assert.Equal([1, 100, 500], _directory.Batches);
    }

    /// <summary>Lets so many come while one is read.</summary>
    private async Task TogetherAsync(int count)
    {
        var go = new TaskCompletionSource();
        _directory.Wait = go.Task;
        var first = _reader.ReadAsync(new SessionUser("first", null));
        await Eventually.TrueAsync(() => _directory.Batches.Count == 1, "the first is read");
        var together = Read(count);
        _directory.Wait = Task.CompletedTask;
        go.SetResult();
        await first;
        await together;
    }

    private Task<PeopleOf[]> Read(int count) => Task.WhenAll(Enumerable.Range(0, count).Select(i => _reader.ReadAsync(new SessionUser($"u{i}", null))));

    private sealed class LogOf(IDirectory directory) : BrokenLog(null!)
    {
        public override IDirectory Directory => directory;
    }

    public class CountedDirectory : DispatchProxy
    {
        private readonly Lock _gate = new();
        private readonly List<int> _batches = [];

        public IReadOnlyList<int> Batches
        {
            get
            {
                lock (_gate) return [.. _batches];
            }
        }

        public Task Wait { get; set; } = Task.CompletedTask;

        public static CountedDirectory New() => (CountedDirectory)(object)Create<IDirectory, CountedDirectory>();

        protected override object? Invoke(MethodInfo? targetMethod, object?[]? args) => ReadAsync((IReadOnlyList<SessionUser>)args![0]!);

        private async Task<PeopleReading> ReadAsync(IReadOnlyList<SessionUser> users)
        {
            lock (_gate) _batches.Add(users.Count);
            await Wait;
            return new PeopleReading(default, [.. users.Select((user, i) => new UserReading(i + 1, user.User, [], [], null))]);
        }
    }
}
