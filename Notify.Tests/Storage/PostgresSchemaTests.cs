using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Storage.Model;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Storage;

/// <summary>Somebody else's database, several installations in one, and those that were made before there were schemas.</summary>
public sealed class PostgresSchemaTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    private const string Shop = """
        CREATE TABLE public."__EFMigrationsHistory" ("MigrationId" varchar(150) PRIMARY KEY, "ProductVersion" varchar(32) NOT NULL);
        INSERT INTO public."__EFMigrationsHistory" VALUES ('20270101000000_Shop', '10.0.0');
        CREATE TABLE public.topics (title text);
        CREATE TABLE public.notifications (id int);
        CREATE TABLE public.log_head (id int);
        """;

    private const string InPublic =
        "SELECT coalesce(string_agg(relname || ':' || relkind::text, ',' ORDER BY relname), '') FROM pg_class WHERE relnamespace = 'public'::regnamespace";

    private const string Schemas = "SELECT string_agg(nspname, ',' ORDER BY nspname) FROM pg_namespace WHERE nspname !~ '^(pg_|information_schema)'";

    private StorageOptions Options => new() { Postgres = Cluster.ConnectionString(Database) };

    [Theory]
    [InlineData("")]
    [InlineData(";Search Path=public")]
    public async Task A_database_with_another_applications_tables_and_migrations_is_used_without_touching_them(string more)
    {
        await ExecuteAsync(Shop);
        var before = await ScalarAsync<string>(InPublic);
        await using (var log = await LogStore.OpenAsync(Options with { Postgres = Options.Postgres + more }, Stop))
        {
            Assert.Equal([1L, 2L], (await log.AppendAsync(Batch(Entry("a"), Entry("b")), Stop)).Stored.Select(entry => entry.Version));
            Assert.Equal(["a", "b"], (await ReadAllAsync(log)).Select(entry => entry.Topic));
            await log.SweepAsync(TimeSpan.FromDays(1), Stop);
            Assert.EndsWith("schema notify", log.Place, StringComparison.Ordinal);
        }

        await using var again = await LogStore.OpenAsync(Options with { MigrateAtStart = false }, Stop);
        Assert.Equal(3, Assert.Single((await again.AppendAsync(Batch(Entry("a")), Stop)).Stored).Version);
        Assert.Equal(before, await ScalarAsync<string>(InPublic));
        Assert.Equal("notify,public", await ScalarAsync<string>(Schemas));
    }

    [Fact]
    public async Task Installations_in_one_database_do_not_see_or_hear_or_wait_for_each_other()
    {
        await using var one = await LogStore.OpenAsync(Options with { Schema = "one" }, Stop);
        await one.AppendAsync(Batch(Entry("a"), Entry("b")), Stop);
        await using var holder = await Cluster.ConnectAsync(Database);
        foreach (var key in new[] { PostgresPlace.New("one").Locks.Schema, PostgresPlace.New("one").Locks.Partitions, PostgresPlace.New("one").Locks.Sweep })
            await PostgresCluster.ExecuteOnAsync(holder, $"SELECT pg_advisory_lock({key})");

        await using var other = await LogStore.OpenAsync(Options with { Schema = "The \"other\"" }, Stop).WaitAsync(TimeSpan.FromSeconds(60), Stop);
        Assert.Equal(0, (await other.ReadHeadAsync(Stop)).Head);
        Assert.Equal(1, Assert.Single((await other.AppendAsync(Batch(Entry("a")), Stop)).Stored).Version);
        Assert.Equal(2, (await one.ReadHeadAsync(Stop)).Head);

        var heard = await HeardAsync("The \"other\"", ["The \"other\"", "one", "The \"other\""]);
        Assert.Equal(["0 The \"other\"", "2 The \"other\""], heard);
    }

    [Fact]
    public async Task An_installation_of_an_earlier_version_stays_where_it_is_and_works_beside_nodes_of_that_version()
    {
        await MakeAsEarlierAsync("public");
        await using var listener = await Cluster.ConnectAsync(Database);
        var heard = new TaskCompletionSource<string>();
        listener.Notification += (_, notification) => heard.TrySetResult(notification.Payload);
        await PostgresCluster.ExecuteOnAsync(listener, $"LISTEN notify_{await ScalarAsync<string>("SELECT to_hex(hashtext('public'))")}");
        await PostgresCluster.ExecuteOnAsync(listener, $"SELECT pg_advisory_lock({(0x6E746679L << 32) | 1})"); // as an earlier node that migrates

        var opening = LogStore.OpenAsync(Options, Stop);
        if (!PostgresSchema.Current.Equals(PostgresSchema.First, StringComparison.Ordinal)) await WaitersAsync(1);
        await PostgresCluster.ExecuteOnAsync(listener, "SELECT pg_advisory_unlock_all()");
        await using var log = await opening;
        Assert.Equal(3, Assert.Single((await log.AppendAsync(Batch(Entry("old")), Stop)).Stored).Version);
        Assert.EndsWith("schema public", log.Place, StringComparison.Ordinal);
        Assert.Equal("public", await ScalarAsync<string>(Schemas));

        await using var channel = new PostgresChannel(Options.Postgres!, Options.Schema);
        await channel.SendAsync(["hint"], Stop);
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!heard.Task.IsCompleted) await listener.WaitAsync(limit.Token);
        Assert.Equal("hint", await heard.Task);
    }

    [Theory]
    [InlineData("public", false)]
    [InlineData("public", true)]
    [InlineData("notify", false)]
    public async Task The_command_move_schema_takes_it_into_its_own_schema_with_everything_in_it(string from, bool besideOthers)
    {
        var epoch = await MakeAsEarlierAsync(from);
        if (besideOthers)
        {
            await ExecuteAsync("""INSERT INTO public."__EFMigrationsHistory" VALUES ('20270101000000_Shop', '10.0.0'); CREATE TABLE public.users (id int)""");
        }

        Assert.Contains("from the schema " + from, await LogStore.MoveSchemaAsync(Options, Stop), StringComparison.Ordinal);
        await using (var log = await LogStore.OpenAsync(Options, Stop))
        {
            Assert.EndsWith("schema notify", log.Place, StringComparison.Ordinal);
            Assert.Equal(["old", "older"], (await ReadAllAsync(log)).Select(entry => entry.Topic));
            var next = await log.AppendAsync(Batch(Entry("old")), Stop);
            Assert.Equal((epoch, 3L, 6L), (next.Epoch, Assert.Single(next.Stored).Version, next.Stored[0].TopicSeq));
        }

        Assert.Equal(
            besideOthers ? "PK___EFMigrationsHistory:i,__EFMigrationsHistory:r,users:r" : "", await ScalarAsync<string>(InPublic));
        if (besideOthers) Assert.Equal("20270101000000_Shop", await ScalarAsync<string>("""SELECT "MigrationId" FROM public."__EFMigrationsHistory" """));
        Assert.Contains("already", await LogStore.MoveSchemaAsync(Options, Stop), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_is_moved_while_a_node_runs_or_over_a_foreign_table_or_without_a_source()
    {
        Assert.Contains("holds no log", await NotMovedAsync(), StringComparison.Ordinal);
        await MakeAsEarlierAsync("public");
        await ExecuteAsync("CREATE SCHEMA notify; CREATE TABLE notify.topics (title text)");
        Assert.Contains("holds a table 'topics'", await NotMovedAsync(), StringComparison.Ordinal);
        await ExecuteAsync("DROP SCHEMA notify CASCADE");
        await using (var log = await LogStore.OpenAsync(Options, Stop))
        {
            await log.ReadHeadAsync(Stop);
            Assert.Contains("Stop every node", await NotMovedAsync(), StringComparison.Ordinal);
        }

        Assert.Equal("public", await ScalarAsync<string>(Schemas));
    }

    [Fact]
    public async Task A_schema_with_a_foreign_table_stops_the_start_with_a_sentence()
    {
        await ExecuteAsync("CREATE SCHEMA notify; CREATE TABLE notify.appends (id int)");
        var told = await MisconfiguredAsync(Options);
        Assert.Contains("'appends'", told, StringComparison.Ordinal);
        Assert.Contains("Notify:Storage:Schema", told, StringComparison.Ordinal);
        Assert.Contains("'appends'", await MisconfiguredAsync(Options), StringComparison.Ordinal); // nothing was half made
        await using var beside = await LogStore.OpenAsync(Options with { Schema = "another" }, Stop);
        Assert.Equal(1, Assert.Single((await beside.AppendAsync(Batch(Entry("a")), Stop)).Stored).Version);
    }

    [Fact]
    public async Task A_new_installation_is_made_whole_or_not_at_all_and_has_had_every_migration()
    {
        await ExecuteAsync("CREATE SCHEMA notify; CREATE SEQUENCE notify.groups_rule_revision"); // the name of an index of the last migration
        await Assert.ThrowsAnyAsync<Exception>(() => LogStore.OpenAsync(Options, Stop));
        Assert.Equal(1, await ScalarAsync<long>("SELECT count(*) FROM pg_class WHERE relnamespace = 'notify'::regnamespace"));

        await ExecuteAsync("DROP SEQUENCE notify.groups_rule_revision");
        await using (await LogStore.OpenAsync(Options, Stop))
        {
        }

        await using var connection = new NpgsqlConnection($"{Options.Postgres};Pooling=false;Search Path=notify");
        await connection.OpenAsync(Stop);
        await using var context = PostgresSchema.Context(connection, PostgresPlace.New("notify"));
        Assert.Equal(context.Database.GetMigrations(), await context.Database.GetAppliedMigrationsAsync(Stop));
    }

    [Fact]
    public async Task A_user_that_may_make_no_schema_is_told_so_and_uses_one_that_was_made_for_it()
    {
        var user = $"plain_{Database}";
        await ExecuteAsync($"CREATE ROLE {user} LOGIN");
        var plain = Options with { Postgres = new NpgsqlConnectionStringBuilder(Options.Postgres) { Username = user }.ConnectionString };
        Assert.Contains("AUTHORIZATION", await MisconfiguredAsync(plain), StringComparison.Ordinal);
        await ExecuteAsync("CREATE SCHEMA notify");
        Assert.Contains("AUTHORIZATION", await MisconfiguredAsync(plain), StringComparison.Ordinal);
        await ExecuteAsync($"DROP SCHEMA notify; CREATE SCHEMA notify AUTHORIZATION {user}");
        await using var log = await LogStore.OpenAsync(plain, Stop);
        Assert.Single((await log.AppendAsync(Batch(Entry("a")), Stop)).Stored);
    }

    [Fact]
    public async Task A_log_that_must_be_there_is_never_made()
    {
        Assert.Contains("holds no log", await MisconfiguredAsync(Options with { MayCreate = false }), StringComparison.Ordinal);
        Assert.Equal("public", await ScalarAsync<string>(Schemas));
        Assert.Equal("", await ScalarAsync<string>(InPublic));
    }

    /// <summary>Two topics, sequences that began before what is kept, versions 1 and 2: what the first release left.</summary>
    private async Task<Guid> MakeAsEarlierAsync(string schema)
    {
        if (schema != "public") await ExecuteAsync($"CREATE SCHEMA {schema}");
        await using var connection = new NpgsqlConnection($"{Options.Postgres};Pooling=false;Search Path={schema}");
        await connection.OpenAsync(Stop);
        await using (var context = new PostgresContext(new DbContextOptionsBuilder<PostgresContext>().UseNpgsql(
            connection, npgsql => npgsql.MigrationsHistoryTable(MigrationHistory.Common, schema)).Options))
        {
            await context.GetService<IMigrator>().MigrateAsync(PostgresSchema.First, Stop);
        }

        await PostgresCluster.ExecuteOnAsync(connection, """
            CREATE TABLE notifications_1 PARTITION OF notifications FOR VALUES FROM (1) TO (1000001);
            INSERT INTO topics (name, last_seq) VALUES ('old', 4), ('older', 0);
            INSERT INTO notifications (version, id, kind, topic_id, topic_seq, published_at, content)
                SELECT id, gen_random_uuid(), 0, id, last_seq + 1, now(), '{}' FROM topics;
            INSERT INTO appends VALUES (2, 1, gen_random_uuid(), now());
            UPDATE log_head SET system_identifier = (SELECT system_identifier FROM pg_control_system()), timeline = 1;
            """);
        await using var epoch = new NpgsqlCommand("SELECT epoch FROM log_head", connection);
        return (Guid)(await epoch.ExecuteScalarAsync(Stop))!;
    }

    private async Task<List<string>> HeardAsync(string listening, string[] sendings)
    {
        var heard = new Observed<string>();
        await using var channel = new PostgresChannel(Options.Postgres!, listening);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var ready = new TaskCompletionSource();
        var loop = channel.ListenAsync(heard.Add, ready.SetResult, stop.Token);
        await await Task.WhenAny(ready.Task, loop).WaitAsync(Eventually.Patience, Stop); // a loop that ended says why
        for (var i = 0; i < sendings.Length; i++)
        {
            await using var sender = new PostgresChannel(Options.Postgres!, sendings[i]);
            await sender.SendAsync([$"{i} {sendings[i]}"], Stop);
        }

        await heard.FirstAsync(text => text.StartsWith($"{sendings.Length - 1}", StringComparison.Ordinal), TimeSpan.FromSeconds(30));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop);
        return [.. heard.Items];
    }

    private async Task<string> NotMovedAsync() =>
        (await Assert.ThrowsAsync<StorageMisconfiguredException>(() => LogStore.MoveSchemaAsync(Options, Stop))).Message;

    private static async Task<string> MisconfiguredAsync(StorageOptions options) =>
        (await Assert.ThrowsAsync<StorageMisconfiguredException>(() => LogStore.OpenAsync(options, Stop))).Message;
}
