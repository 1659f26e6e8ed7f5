using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Storage.Sqlite;
using Notify.Tests.Fixtures;
using Notify.Tests.Specifications;
using Npgsql;

namespace Notify.Tests.Rules;

/// <summary>Rules at work on Postgres, by two nodes.</summary>
public sealed class PostgresRulesTests(PostgresCluster cluster) : RulesSpecification
{
    private string _database = "";

    /// <summary>
    /// What moves nobody is stored without the log's lock, and may be stored but not committed when a chunk is made: the chunk waits for
    /// it before it looks.
    /// </summary>
    [Fact]
    public async Task A_chunk_waits_for_attributes_that_are_being_stored()
    {
        await SetAsync("alice", """{"x":1}""");
        await PutAsync("g", "@.x == 1");
        await DrainAsync();
        await PutAsync("g", "@.x == 2");
        var (work, rule) = await ClaimAsync("@.x == 2");
        var found = await People.Rules.CompareAsync(work, rule, 0, 100, Stop);
        Assert.False(Assert.Single(found.Differences).IsSatisfied);
        await WhileStoringAsync("""{"x":2}""", () => MakeAsync(new DirectoryChange.ApplyRule(work, rule, found.Differences)));
        Assert.Equal(["alice"], await MembersAsync("g"));
    }

    [Fact]
    public async Task An_activation_waits_for_attributes_that_are_being_stored()
    {
        await SetAsync("alice", """{"x":1}""");
        await PutAsync("g", "@.x == 1");
        var (work, rule) = await ClaimAsync("@.x == 1");
        var step = (await People.Rules.FillAsync(work, rule, 0, 100, Stop))!;
        var filled = await People.Rules.CountFilledAsync(work, Stop);
        await WhileStoringAsync("""{"x":0}""", () => MakeAsync(new DirectoryChange.ActivateGroup(work, rule, step.Mark, filled)));
        Assert.Empty(await MembersAsync("g"));
    }

    /// <summary>Attributes of alice are stored as the product stores them, and committed once the change has been asked for and waits, or is made.</summary>
    private async Task WhileStoringAsync(string attributes, Func<Task<ChangeOutcome>> change)
    {
        await using var connection = await cluster.ConnectAsync(_database);
        await using var storing = await connection.BeginTransactionAsync(Stop);
        await using (var store = new NpgsqlCommand(
            $"""
            SELECT 1 FROM notify.directory FOR SHARE;
            UPDATE notify.users SET attributes = '{attributes}'::jsonb, attributes_stamp = greatest(pg_current_xact_id()::text::bigint, attributes_stamp + 1) WHERE name = 'alice'
            """,
            connection)) await store.ExecuteNonQueryAsync(Stop);
        var making = change();
        await Eventually.TrueAsync(
            async () => making.IsCompleted || await cluster.ScalarAsync<long>(
                "postgres", $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{_database}' AND wait_event_type = 'Lock'") > 0,
            "the change waits");
        await storing.CommitAsync(Stop);
        Assert.Equal(ChangeStatus.Done, (await making).Status);
    }

    protected override async Task<IReadOnlyList<INotificationLog>> OpenAsync()
    {
        var storage = new Notify.Storage.StorageOptions { Postgres = cluster.ConnectionString(_database = await cluster.CreateDatabaseAsync()) };
        return [await PostgresLog.OpenAsync(storage, Stop), await PostgresLog.OpenAsync(storage, Stop)];
    }
}

/// <summary>Rules at work on SQLite.</summary>
public sealed class SqliteRulesTests : RulesSpecification
{
    private readonly string _folder = Directory.CreateTempSubdirectory("notify-rules-").FullName;

    protected override async Task<IReadOnlyList<INotificationLog>> OpenAsync() =>
        [await SqliteLog.OpenAsync(new() { SqlitePath = Path.Combine(_folder, "log.db") }, Stop)];

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
