using System.Text.Json;
using Notify.Storage;
using Notify.Storage.Directory;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Storage;

/// <summary>What is touched for a reading, a page or a change of people must not grow with the directory. Counted in buffers: time would flicker.</summary>
public sealed class PostgresPeopleScaleTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    private const string Open = "9223372036854775807";

    // 20,000 users with 20 groups, 5 subscriptions and 2 devices each; 2,000 groups, one of them with all of the users.
    private const string Fill = $"""
        SET search_path = notify;
        INSERT INTO users (name) SELECT 'user' || n FROM generate_series(1, 20000) AS n;
        INSERT INTO groups (id, name, since, until, rule_revision, pending, members)
            SELECT 1000000 + n, 'group' || n, 1000000 + n, {Open}, 0, false, 200 FROM generate_series(1, 2000) AS n;
        INSERT INTO groups (id, name, since, until, rule, rule_revision, pending, members)
            SELECT 2000000 + n, 'ruled' || n, 2000000 + n, {Open}, '@.n == ' || n, n, false, 200 FROM generate_series(1, 2000) AS n;
        INSERT INTO memberships (user_id, group_id, since, until)
            SELECT u.id, 1000001 + (u.id * 7 + g) % 1999, 1, {Open} FROM users AS u, generate_series(1, 19) AS g;
        INSERT INTO memberships (user_id, group_id, since, until) SELECT id, 1000001 + 1999, 1, {Open} FROM users;
        INSERT INTO memberships (user_id, group_id, since, until) SELECT id, 1000001, 0, 0 - g FROM users, generate_series(1, 10) AS g;
        INSERT INTO subscriptions (user_id, filter, since, until) SELECT id, 'topic/' || f, 1, {Open} FROM users, generate_series(1, 5) AS f;
        INSERT INTO devices (user_id, device, epoch, version, seen_at)
            SELECT id, 'device' || d, (SELECT epoch FROM log_head), 1, now() FROM users, generate_series(1, 2) AS d;
        """;

    [Fact]
    public async Task Costs_of_people_do_not_grow_with_the_directory_even_when_its_statistics_are_those_of_one_row()
    {
        var log = await OpenAsync();
        await log.Directory.ChangeAsync(
            new ChangeBatch(
                Guid.NewGuid(),
                    [new DirectoryChange.PutGroup("group7"), new DirectoryChange.JoinGroups("user7", ["group7"]),
                    new DirectoryChange.Subscribe("user7", ["topic/1"])],
                new DirectoryLimits(100, 100)), Stop);
        foreach (var table in new[] { "users", "groups", "memberships", "subscriptions", "devices" })
            await ExecuteAsync($"ALTER TABLE notify.{table} SET (autovacuum_enabled = false)");
        await ExecuteAsync("ANALYZE");
        await ExecuteAsync("DELETE FROM notify.memberships; DELETE FROM notify.subscriptions; DELETE FROM notify.groups; DELETE FROM notify.users");
        await ExecuteAsync(Fill);
        foreach (var (what, cost) in await CostsAsync()) Assert.True(cost < 3_000, $"{what} touches {cost} buffers although its statistics are old.");
        await ExecuteAsync("ANALYZE");
        foreach (var (what, cost) in await CostsAsync()) Assert.True(cost < 3_000, $"{what} touches {cost} buffers.");

        var reading = await log.Directory.ReadPeopleAsync([.. Enumerable.Range(1, 500).Select(i => new SessionUser($"user{i}", "device1"))], Stop);
        Assert.All(reading.Users, user => Assert.Equal((20, 5, 1L), (user.Groups.Count, user.Subscriptions.Count, user.Acknowledged)));
    }

    private async Task<Dictionary<string, long>> CostsAsync() => new(
        [
            .. await CostsAsync(PostgresConnections.ServerOptions, [
                ("a reading of ten users", PostgresDirectorySql.People, "(text[], text[])",
                    "('{user1,user22,user333,user4444,user5,user66,user777,user8888,user19999,user10}', " +
                    "'{device1,device1,device1,device1,device1,device1,device1,device1,device1,device1}')"),
                ("a page of groups", PostgresDirectorySql.ListGroups, "(text, text, text, bigint)", "('group1', 'group2', 'group15', 100)"),
                ("a page of members", PostgresDirectorySql.ListMembers, "(bigint, bigint, bigint)", "(1002000, 7000, 100)"),
                ("a user's groups", PostgresDirectorySql.ListGroupsOf, "(text, text, bigint)", "('user77', '', 100)"),
                ("when ten users were in a group of all", PostgresDirectorySql.ReadHeld, "(bigint, bigint[])",
                    "(1002000, '{100,101,102,2003,3004,5005,106,9107,18108,109}')"),
                ("what of the rules is new", PostgresRuleSql.ReadRules, "(bigint)", "(1999)"),
                ("a user's subscriptions", PostgresDirectorySql.ListFilters, "(text, text, bigint)", "('user77', '', 100)"),
                ("a user's devices", PostgresDirectorySql.ListDevices, "(text, text, bigint)", "('user77', '', 100)"),
                ("which of ten users are members", PostgresDirectorySql.FindMembers, "(bigint, bigint[])",
                    "(1002000, '{100,101,102,2003,3004,5005,106,9107,18108,109}')"),
            ]),
            .. await CostsAsync(PostgresConnections.ServerOptions, [
                ("the members that a change asks about", PostgresChangeSql.ReadMembers, "(text[], text[])", "('{group7,group8}', '{user7,user8}')"),
                ("the number of a user's groups", PostgresChangeSql.CountGroups, "(text[], int[], bigint)", "('{user7,user8}', '{1,1}', 10)"),
                ("the number of a user's subscriptions", PostgresChangeSql.CountFilters, "(text[])", "('{user7,user8}')"),
                ("ending subscriptions", PostgresChangeSql.EndFilters, "(bigint[], text[], bigint[])", "('{777,778}', '{topic/1,topic/2}', '{9,9}')"),
                ("holding users by name and number", PostgresRuleSql.HoldUsers, "(text[], bigint[])", "('{user7,user8}', '{700,701,702}')"),
                ("a chunk of a changed rule", PostgresRuleSql.Evaluate, "(bigint, jsonpath, jsonb, bigint[], bigint[], boolean[])",
                    "(1002000, '$.n == $a', '{\"a\":1}', '{700,701,702}', '{0,0,1}', '{true,false,true}')"),
                ("attributes with a move", PostgresRuleSql.SetAttributes, "(bigint[], text[], timestamptz[])", "('{700,701}', '{NULL,NULL}', '{NULL,NULL}')"),
                ("holding attributes", PostgresDirectorySql.HoldAttributes, "(bigint, bigint[], bigint[])", "(0, '{700,701}', '{0,0}')"),
                (
                    "attributes without a move", PostgresDirectorySql.StoreAttributes,
                        "(bigint, bigint[], bigint[], text[], timestamptz[], bigint[], bigint[], boolean[])",
                    "(0, '{700,701}', '{0,0}', '{NULL,NULL}', '{NULL,NULL}', '{700}', '{1002000}', '{true}')"),
                ("closing what an ended group left", PostgresDirectorySql.CloseEnded, "(bigint)", "(100)"),
                ("ending memberships", PostgresChangeSql.EndMemberships, "(bigint[], bigint[], bigint[])", "('{1002000}', '{777}', '{9}')"),
            ]),
        ]);

    private async Task<List<KeyValuePair<string, long>>> CostsAsync(string options, (string What, string Sql, string Types, string Values)[] statements)
    {
        await using var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(Cluster.ConnectionString(Database))
        {
            Options = options,
            SearchPath = StorageOptions.DefaultSchema,
            Pooling = false,
        }.ConnectionString);
        await connection.OpenAsync(Stop);
        await using var rolledBack = await connection.BeginTransactionAsync(Stop);
        var costs = new List<KeyValuePair<string, long>>();
        foreach (var (what, sql, types, values) in statements) costs.Add(new(what, await PostgresScaleTests.CostAsync(connection, sql, types, values)));
        return costs;
    }
}
