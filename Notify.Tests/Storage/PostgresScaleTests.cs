using System.Text.Json;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Storage;

/// <summary>What is touched for one append or one page must not grow with the log. Counted in buffers: time would flicker.</summary>
public sealed class PostgresScaleTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    private const string Fill = """
        INSERT INTO topics (name) SELECT 'topic/' || n FROM generate_series(1, 20000) AS n;
        INSERT INTO notifications (version, id, kind, topic_id, topic_seq, published_at, content)
        SELECT n, gen_random_uuid(), 0, CASE WHEN n % 2 = 0 THEN 1 ELSE 2 + n % 20000 END, n, now(), '{}' FROM generate_series(2, 900000) AS n;
        INSERT INTO appends (last_version, first_version, batch_id, appended_at)
        SELECT n, n - 9, gen_random_uuid(), now() FROM generate_series(11, 900000, 10) AS n;
        INSERT INTO appends (last_version, first_version, batch_id, appended_at) VALUES (900000, 900000, gen_random_uuid(), now());
        """;

    [Fact]
    public async Task Costs_of_append_and_replay_do_not_grow_with_the_log_even_when_its_statistics_are_those_of_one_row()
    {
        var log = await OpenAsync();
        await log.AppendAsync(Batch(Entry("first")), Stop);
        foreach (var table in new[] { "topics", "appends", "idempotency", "notifications_1" })
            await ExecuteAsync($"ALTER TABLE {table} SET (autovacuum_enabled = false)");
        await ExecuteAsync("ANALYZE");
        var young = await CostsAsync();

        await ExecuteAsync(Fill);
        var grown = await CostsAsync();
        await ExecuteAsync("ANALYZE");
        var analyzed = await CostsAsync();

        // A page of a hundred rows and the index entries that led to them; reading past the others would be tens of thousands.
        foreach (var (what, cost) in grown.Concat(analyzed))
            Assert.True(cost < young[what] + 2_000, $"{what} touches {cost} buffers; it was {young[what]} when the log was young.");

        var page = await log.ReadTopicsAsync([1], 800_000, 100, 1_000_000, Stop);
        Assert.Equal((800_002L, 800_200L), (page.Entries[0].Version, page.Through));
        Assert.Equal(900_001, Assert.Single((await log.AppendAsync(Batch(Entry("topic/7")), Stop)).Stored).Version);
    }

    [Fact]
    public async Task An_append_beside_another_writer_looks_each_topic_up_once_however_many_rows_it_has()
    {
        const int rows = 200;
        var log = await OpenAsync();
        await log.AppendAsync(Batch(Entry("first"), Entry("second")), Stop);
        await using var connection = await ConnectAsync();
        await using var rolledBack = await connection.BeginTransactionAsync(Stop);
        var alone = await CostAsync(connection, PostgresAppendSql.Insert, AppendTypes, await AppendValuesAsync(connection, behind: 0, rows));
        var beside = await CostAsync(connection, PostgresAppendSql.Insert, AppendTypes, await AppendValuesAsync(connection, behind: 1, rows));

        // A look up is some six buffers; the rest is that the indexes have grown by the first append's rows.
        Assert.True(beside - alone < 3 * rows, $"{beside - alone} buffers more for {rows} rows of two topics");
    }

    /// <summary>
    /// What one user asks for is found from that user on. A join begun at the groups, of which old statistics know few, goes through all
    /// their members: a changed attribute took a second beside a group by rule with half a million.
    /// </summary>
    [Fact]
    public async Task What_is_read_for_one_user_does_not_grow_with_users_groups_and_members_whatever_the_statistics_say()
    {
        await OpenAsync();
        foreach (var table in new[] { "users", "groups", "memberships", "subscriptions", "devices", "inbox_watermarks", "inbox_marks" })
            await ExecuteAsync($"ALTER TABLE {table} SET (autovacuum_enabled = false)");
        await ExecuteAsync(FillPeople(1, 3, 1, 3));
        await ExecuteAsync("ANALYZE");
        await ExecuteAsync(FillPeople(4, 30_000, 4, 5_000));
        await CheckAsync();
        await ExecuteAsync("ANALYZE");
        await CheckAsync();
        await ExecuteAsync("UPDATE groups SET rule = '@.n == 1' WHERE name = 'g1'"); // statistics that know of no group by rule
        await CheckAsync();

        async Task CheckAsync()
        {
            await using var connection = await ConnectAsync();
            foreach (var (sql, types, values) in OfOneUser)
            {
                var cost = await CostAsync(connection, sql, types, values);
                Assert.True(cost < 150, $"{cost} buffers: {sql}");
            }
        }
    }

    private static (string Sql, string Types, string Values)[] OfOneUser =>
    [
        (PostgresDirectorySql.People, "(text[], text[])", "('{u5}', '{phone}')"),
        (PostgresDirectorySql.FindMembers, "(bigint, bigint[])", "(1, '{5}')"),
        (PostgresDirectorySql.ReadHeld, "(bigint, bigint[])", "(1, '{5}')"),
        (PostgresDirectorySql.ListMembers, "(bigint, bigint, bigint)", "(1, 20000, 10)"),
        (PostgresDirectorySql.ListGroupsOf, "(text, text, bigint)", "('u5', '', 10)"),
        (PostgresDirectorySql.ListFilters, "(text, text, bigint)", "('u5', '', 10)"),
        (PostgresDirectorySql.ListDevices, "(text, text, bigint)", "('u5', '', 10)"),
        (PostgresDirectorySql.ReadAttributes, "(text[])", "('{u5}')"),
        (PostgresDirectorySql.ReadRuledGroups, "(text[])", "('{u5}')"),
        (PostgresRuleSql.ReadMemberships, "(text[])", "('{u5}')"),
        (PostgresChangeSql.ReadMembers, "(text[], text[])", "('{g1}', '{u5}')"),
        (PostgresChangeSql.CountGroups, "(text[], bigint[], bigint)", "('{u5}', '{1}', 10)"),
        (PostgresChangeSql.ReadFilters, "(text[], text[])", "('{u5}', '{f/5}')"),
        (PostgresChangeSql.CountFilters, "(text[])", "('{u5}')"),
        (PostgresInboxSql.Groups, "(text[])", "('{u5}')"),
        (PostgresInboxSql.Filters, "(text[])", "('{u5}')"),
        (PostgresInboxSql.Watermarks, "(text[])", "('{u5}')"),
        (PostgresInboxSql.MarksUnread, "(bigint[], bigint[], bigint[], bigint[])", "('{5}', '{1}', '{100}', '{0}')"),
    ];

    /// <summary>Users and groups of these numbers. Each user is in the first two groups and in one of the others.</summary>
    private static string FillPeople(int fromUser, int users, int fromGroup, int groups) => $$"""
        INSERT INTO groups (id, name, since, until, rule_revision, pending, members)
            SELECT n, 'g' || n, 0, {{long.MaxValue}}, 0, false, 0 FROM generate_series({{fromGroup}}, {{groups}}) AS n;
        INSERT INTO users (id, name) SELECT n, 'u' || n FROM generate_series({{fromUser}}, {{users}}) AS n;
        INSERT INTO memberships (user_id, group_id, since, until)
            SELECT n, g, 0, {{long.MaxValue}} FROM generate_series({{fromUser}}, {{users}}) AS n CROSS JOIN LATERAL unnest(ARRAY[1, 2, 3 + n % {{groups - 2}}]) AS g;
        INSERT INTO subscriptions (user_id, filter, since, until)
            SELECT n, 'f/' || n, 0, {{long.MaxValue}} FROM generate_series({{fromUser}}, {{users}}) AS n;
        INSERT INTO devices (user_id, device, epoch, version, seen_at)
            SELECT n, 'phone', epoch, 1, now() FROM log_head CROSS JOIN generate_series({{fromUser}}, {{users}}) AS n;
        INSERT INTO inbox_watermarks (user_id, filter, steps, up_to) SELECT n, '', '[]', 1 FROM generate_series({{fromUser}}, {{users}}) AS n;
        """;

    private async Task<NpgsqlConnection> ConnectAsync()
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Cluster.ConnectionString(Database))
        {
            Options = PostgresConnections.ServerOptions,
            SearchPath = StorageOptions.DefaultSchema,
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync(Stop);
        return connection;
    }

    private async Task<Dictionary<string, long>> CostsAsync()
    {
        await using var connection = await ConnectAsync();
        await using var rolledBack = await connection.BeginTransactionAsync(Stop);
        return new()
        {
            ["head"] = await CostAsync(connection, PostgresReaderSql.Head, "", ""),
            ["range"] = await CostAsync(connection, PostgresReaderSql.Range, "(bigint, bigint, bigint)", "(500000, 100, 1000000)"),
            ["a busy topic"] = await CostAsync(
                connection, PostgresReaderSql.Topics, "(bigint, bigint, bigint, bigint[], bigint)", "(500000, 100, 1000000, '{1}', 101)"),
            ["ten rare topics"] = await CostAsync(
                connection, PostgresReaderSql.Topics, "(bigint, bigint, bigint, bigint[], bigint)",
                "(10, 100, 1000000, '{3,5,7,9,11,13,15,17,19,21}', 40)"),
            ["topics by prefix"] = await CostAsync(connection, PostgresReaderSql.TopicsByPrefix, "(text, text, bigint)", "('topic/77', 'topic/77z', 10)"),
            ["new topics"] = await CostAsync(connection, PostgresAppendSql.AddTopics, "(text[])", "('{first,topic/9,brand/new}')"),
            ["topics' sequences"] = await CostAsync(connection, PostgresAppendSql.ReadTopics, "(text[])", "('{first,topic/9}')"),
            ["append by a lone writer"] = await CostAsync(connection, PostgresAppendSql.Insert, AppendTypes, await AppendValuesAsync(connection, behind: 0)),
            ["append beside another writer"] =
                await CostAsync(connection, PostgresAppendSql.Insert, AppendTypes, await AppendValuesAsync(connection, behind: 1)),
        };
    }

    private const string AppendTypes =
        "(uuid, uuid, bigint, uuid[], smallint[], bigint[], bigint[], int[], bigint[], bytea[], text[], bigint[], text[], text[], bytea[], bigint, bigint)";

    /// <param name="connection">Where it will run.</param>
    /// <param name="behind">How many versions ago the sequences were read. The key is named by it: a batch whose key is used stores nothing.</param>
    /// <param name="rows">By turns of the first and the second topic; the second one's have a time to live and the last of them a key.</param>
    private static async Task<string> AppendValuesAsync(NpgsqlConnection connection, int behind, int rows = 2)
    {
        string Each(Func<int, string> value) => string.Join(',', Enumerable.Range(0, rows).Select(value));
        string LastOnly(string value) => Each(i => i == rows - 1 ? value : "NULL");

        await using var command = connection.CreateCommand();
        command.CommandText = $$"""
            SELECT format('(gen_random_uuid(), %L, %s, ARRAY[{{Each(_ => "gen_random_uuid()")}}], ''{ {{Each(_ => "0")}} }'', ''{1,2}'', ''{5,5}'',
                            ''{ {{Each(i => $"{1 + i % 2}")}} }'', ''{ {{Each(i => $"{1 + i / 2}")}} }'', ''{ {{Each(_ => "a")}} }'',
                            ''{ {{Each(i => i % 2 == 0 ? "first" : "topic/9")}} }'', ''{ {{Each(i => i % 2 == 0 ? "NULL" : "60")}} }'',
                            ''{ {{LastOnly("p")}} }'', ''{ {{LastOnly($"k{behind}")}} }'', ''{ {{LastOnly("h")}} }'', 0, %s)',
                          epoch, (SELECT max(last_version) FROM appends) - {{behind}}, topics_removed)
            FROM log_head
            """;
        return (string)(await command.ExecuteScalarAsync(Stop))!;
    }

    /// <summary>Buffers that the prepared statement touches.</summary>
    internal static async Task<long> CostAsync(NpgsqlConnection connection, string sql, string types, string values)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = $"PREPARE cost {types} AS {sql}";
        await command.ExecuteNonQueryAsync(Stop);
        command.CommandText = $"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) EXECUTE cost {values}";
        using var plan = JsonDocument.Parse((string)(await command.ExecuteScalarAsync(Stop))!);
        command.CommandText = "DEALLOCATE cost";
        await command.ExecuteNonQueryAsync(Stop);
        var top = plan.RootElement[0].GetProperty("Plan");

        // What writes is run after the top's last row and not counted in it.
        return Buffers(top) + Children(top).Where(node => node.GetProperty("Node Type").ValueEquals("ModifyTable")).Sum(Buffers);
    }

    private static long Buffers(JsonElement node) => node.GetProperty("Shared Hit Blocks").GetInt64() + node.GetProperty("Shared Read Blocks").GetInt64();

    private static JsonElement[] Children(JsonElement node) => node.TryGetProperty("Plans", out var plans) ? [.. plans.EnumerateArray()] : [];
}
