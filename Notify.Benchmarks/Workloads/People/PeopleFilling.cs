using System.Globalization;
using Notify.Benchmarks.Processes;
using Notify.Storage;
using Notify.Storage.Log;

namespace Notify.Benchmarks.Workloads.People;

/// <summary>
/// Users, groups and memberships as they are after a long time, written by the database itself: to make them by calls would take hours.
/// The user with number i is called <c>u{i}</c>.
/// </summary>
internal static class PeopleFilling
{
    /// <summary>The group of all users.</summary>
    public const string Everybody = "everybody";

    /// <summary>A user in as many groups as the limit allows.</summary>
    public const string Joiner = "u7";

    private const string Open = "9223372036854775807";

    public static async Task<Storage> FillAsync(Laboratory laboratory, int users, int groups, int back)
    {
        var storage = await laboratory.NewStorageAsync("postgres");
        await using (await LogStore.OpenAsync(new StorageOptions { Postgres = storage.ConnectionString }, CancellationToken.None))
        {
        }

        var joined = Math.Min(1000, groups);
        await PostgresInstance.ExecuteAsync(storage.ConnectionString!, string.Create(CultureInfo.InvariantCulture, $$"""
            INSERT INTO users (id, name, attributes) SELECT n, 'u' || (n - 1), jsonb_build_object('n', n % 100) FROM generate_series(1, {{users}}) AS n;
            SELECT setval(pg_get_serial_sequence('users', 'id'), {{users}});
            INSERT INTO groups (id, name, since, until, rule_revision, pending, members)
                SELECT -n, 'g' || lpad(n::text, 8, '0'), 0, {{Open}}, 0, false, 0 FROM generate_series(1, {{groups}}) AS n;
            INSERT INTO groups (id, name, since, until, rule_revision, pending, members) VALUES (0, '{{Everybody}}', 0, {{Open}}, 0, false, {{users}});
            INSERT INTO memberships (user_id, group_id, since, until) SELECT n, 0, 0, {{Open}} FROM generate_series(1, {{users}}) AS n;
            INSERT INTO memberships (user_id, group_id, since, until)
                SELECT n, -1 - (n * 37 + g * 101) % {{groups}}, 0, {{Open}} FROM generate_series(1, {{Math.Min(back, users)}}) AS n, generate_series(1, 19) AS g
                WHERE n <> 8 ON CONFLICT DO NOTHING;
            INSERT INTO memberships (user_id, group_id, since, until) SELECT 8, -n, 0, {{Open}} FROM generate_series(1, {{joined - 1}}) AS n;
            INSERT INTO subscriptions (user_id, filter, since, until)
                SELECT n, 'followed/' || n || '/' || f, 0, {{Open}} FROM generate_series(1, {{Math.Min(back, users)}}) AS n, generate_series(1, 5) AS f;
            """));
        await PostgresInstance.ExecuteAsync(storage.ConnectionString!, "VACUUM (ANALYZE)");
        await PostgresInstance.ExecuteAsync(storage.ConnectionString!, "CHECKPOINT");
        return storage;
    }
}
