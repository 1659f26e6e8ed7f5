using System.Text.Json;
using Microsoft.Data.Sqlite;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>The directory in the log's file.</summary>
internal sealed class SqliteDirectory(SqliteWriter writer, SqliteReaders readers, TimeProvider time) : IDirectory
{
    /// <summary>How many memberships of an ended group are closed in one transaction.</summary>
    private const int ClosedAStep = 1000;

    private readonly SqliteChanges _changes = new(writer, readers, time);

    public IRuleDirectory Rules { get; } = new SqliteRules(writer, readers, time);

    public Task<ChangeResult> ChangeAsync(ChangeBatch batch, CancellationToken cancellationToken) => _changes.ChangeAsync(batch, cancellationToken);

    public async Task<PeopleReading> ReadPeopleAsync(IReadOnlyList<SessionUser> users, CancellationToken cancellationToken)
    {
        var reading = await SnapshotAsync(statements => Read(statements, users), cancellationToken);
        if (reading.Unknown is { Count: > 0 } unknown)
        {
            await AddUsersAsync(unknown, cancellationToken);
            reading = await SnapshotAsync(statements => Read(statements, users), cancellationToken);
        }

        return reading.Result();
    }

    public Task<IReadOnlyList<DirectoryUser>> FindUsersAsync(IReadOnlyCollection<long> numbers, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<DirectoryUser>>(
            statements => [.. numbers.SelectMany(number => List(statements, SqliteDirectorySql.UserByNumber, ToUser, number))], cancellationToken);

    public Task<IReadOnlyList<DirectoryUser>> FindUsersAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<DirectoryUser>>(
            statements => [.. names.SelectMany(name => List(statements, SqliteDirectorySql.UserByName, ToUser, name))], cancellationToken);

    public Task<IReadOnlyList<DirectoryGroup>> FindGroupsAsync(IReadOnlyCollection<long> numbers, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<DirectoryGroup>>(
            statements => [.. numbers.SelectMany(number => List(statements, SqliteDirectorySql.GroupByNumber, ToGroup, number))], cancellationToken);

    public Task<DirectoryGroup?> FindGroupAsync(string name, CancellationToken cancellationToken) =>
        readers.ReadAsync(statements => List(statements, SqliteDirectorySql.GroupByName, ToGroup, name).FirstOrDefault(), cancellationToken);

    public Task<IReadOnlyList<DirectoryGroup>> ListGroupsAsync(string prefix, string? after, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<DirectoryGroup>>(
            statements =>
                List(statements, SqliteDirectorySql.ListGroups, ToGroup, prefix, LogLimits.LastWithPrefix(prefix), after ?? "", limit), cancellationToken);

    public Task<DirectoryPage<DirectoryUser, long>> ListMembersAsync(long group, long after, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync(
            statements =>
            {
                var users = statements.Scalar(SqliteDirectorySql.IsActive, group) is null
                    ? [] : List(statements, SqliteDirectorySql.ListMembers, ToUser, group, after, limit);
                return new DirectoryPage<DirectoryUser, long>(users, users.Count == limit ? users[^1].Number : null);
            },
            cancellationToken);

    public Task<(LogHead Head, IReadOnlyList<long> Users)> FindMembersAsync(long group, IReadOnlyCollection<long> users, CancellationToken cancellationToken) =>
        SnapshotAsync<(LogHead, IReadOnlyList<long>)>(
            statements =>
            {
                var isActive = statements.Scalar(SqliteDirectorySql.IsActive, group) is not null;
                return (SqliteReader.ReadHead(statements),
                    [.. users.Where(user => isActive && statements.Scalar(SqliteDirectorySql.FindMember, group, user) is not null)]);
            },
            cancellationToken);

    public Task<(LogHead Head, IReadOnlyList<HeldBy> Held)> ReadHeldAsync(long group, IReadOnlyCollection<long> users, CancellationToken cancellationToken) =>
        SnapshotAsync<(LogHead, IReadOnlyList<HeldBy>)>(
            statements =>
            {
                var held = new List<HeldBy>();
                foreach (var user in users)
                    held.AddRange(List(statements, SqliteDirectorySql.Held, rows =>
                        new HeldBy(user, new Interval(rows.GetInt64(0), rows.GetInt64(1))), group, user));
                return (SqliteReader.ReadHead(statements), held);
            },
            cancellationToken);

    public Task<IReadOnlyList<string>> ListGroupsOfAsync(string user, string? after, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<string>>(
            statements => List(statements, SqliteDirectorySql.ListGroupsOf, rows => rows.GetString(0), user, after ?? "", limit), cancellationToken);

    public Task<IReadOnlyList<string>> ListSubscriptionsAsync(string user, string? after, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<string>>(
            statements => List(statements, SqliteDirectorySql.ListFilters, rows => rows.GetString(0), user, after ?? "", limit), cancellationToken);

    public Task AcknowledgeAsync(IReadOnlyCollection<Acknowledgement> acknowledgements, CancellationToken cancellationToken)
    {
        var highest = AcknowledgementList.Highest(acknowledgements);
        return highest.Count == 0 ? Task.CompletedTask : TransactAsync(
            statements =>
            {
                foreach (var one in highest)
                    statements.Execute(SqliteDirectorySql.Acknowledge, one.User, one.Device, one.Epoch.ToByteArray(true), one.Version, Now());
                foreach (var user in highest.Select(one => one.User).Distinct())
                    statements.Execute(SqliteDirectorySql.ForgetDevices, user, IDirectory.MostDevices);
                return true;
            },
            cancellationToken);
    }

    public Task<IReadOnlyList<UserDevice>> ListDevicesAsync(string user, string? after, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync<IReadOnlyList<UserDevice>>(
            statements => List(
                statements, SqliteDirectorySql.ListDevices, rows =>
                    new UserDevice(rows.GetString(0), rows.GetInt64(1), rows.GetTime(2)), user, after ?? "", limit),
            cancellationToken);

    public Task ForgetDeviceAsync(string user, string device, CancellationToken cancellationToken) =>
        TransactAsync(statements => statements.Execute(SqliteDirectorySql.ForgetDevice, user, device), cancellationToken);

    public async Task<AttributesReading> ReadAttributesAsync(IReadOnlyList<string> users, CancellationToken cancellationToken)
    {
        for (var attempt = 0; ; attempt++)
        {
            var (revision, epoch, read) = await SnapshotAsync(
                statements => ((long)statements.Scalar(SqliteDirectorySql.RulesRevision)!, SqliteReader.ReadHead(statements).Epoch,
                    users.Select(name => ReadAttributes(statements, name)).ToArray()),
                cancellationToken);
            if (attempt > 0 || Array.TrueForAll(read, one => one is not null)) return new AttributesReading(revision, read!) { Epoch = epoch };
            await AddUsersAsync(users.Where((_, position) => read[position] is null), cancellationToken);
        }
    }

    public Task<IReadOnlyList<long>> StoreAttributesAsync(long rulesRevision, IReadOnlyCollection<NewAttributes> attributes,
        CancellationToken cancellationToken) =>
        TransactAsync<IReadOnlyList<long>>(
            statements =>
            {
                var stored = new List<long>();
                foreach (var one in attributes)
                {
                    if (one.Groups.Any(group => group.IsMember == (statements.Scalar(SqliteDirectorySql.FindMember, group.Group, one.User) is null))) continue;
                    if (statements.Scalar(SqliteDirectorySql.NextStamp, rulesRevision) is not long stamp) return [];
                    if (statements.Execute(SqliteDirectorySql.StoreAttributes, one.User, one.Stamp, one.Json, one.ClaimsIssuedAt?.ToUnixTimeMilliseconds(),
                        stamp) > 0)
                        stored.Add(one.User);
                }

                return stored;
            },
            cancellationToken);

    public Task<ApiKey?> FindKeyAsync(string id, CancellationToken cancellationToken) =>
        readers.ReadAsync(statements => List(statements, SqliteDirectorySql.KeyById, ToKey, id).FirstOrDefault(), cancellationToken);

    public Task<DirectoryPage<ApiKey, long>> ListKeysAsync(long after, int limit, CancellationToken cancellationToken) =>
        readers.ReadAsync(
            statements =>
            {
                var keys = List(statements, SqliteDirectorySql.ListKeys, ToKey, after, limit);
                return new DirectoryPage<ApiKey, long>(keys, keys.Count == limit ? keys[^1].Number : null);
            },
            cancellationToken);

    public Task<bool> WereKeysStoredAsync(CancellationToken cancellationToken) =>
        readers.ReadAsync(statements => statements.Scalar(SqliteDirectorySql.WereKeysStored) is not 0L, cancellationToken);

    public Task UseKeysAsync(IReadOnlyDictionary<string, DateTimeOffset> usedAt, CancellationToken cancellationToken) =>
        TransactAsync(statements =>
            usedAt.Sum(used => statements.Execute(SqliteDirectorySql.UseKey, used.Key, used.Value.ToUnixTimeMilliseconds())), cancellationToken);

    public Task<(LogHead Head, DirectoryPage<TokenRevocation, long> Page)> ListRevocationsAsync(long after, int limit, CancellationToken cancellationToken) =>
        SnapshotAsync<(LogHead, DirectoryPage<TokenRevocation, long>)>(
            statements =>
            {
                var items = List(statements, SqliteDirectorySql.ListRevocations, ToRevocation, after, limit);
                return (SqliteReader.ReadHead(statements), new(items, items.Count == limit ? items[^1].User : null));
            },
            cancellationToken);

    public Task<TokenRevocation?> FindRevocationAsync(string user, CancellationToken cancellationToken) =>
        readers.ReadAsync(statements => List(statements, SqliteDirectorySql.RevocationOf, ToRevocation, user).FirstOrDefault(), cancellationToken);

    /// <summary>Closes what groups that have ended left open, and forgets what ended before everything that is kept; part of the log's sweep.</summary>
    public async Task SweepAsync(CancellationToken cancellationToken)
    {
        while (await TransactAsync(CloseEnded, cancellationToken))
        {
        }

        foreach (var sql in (string[])[SqliteDirectorySql.ForgetMemberships, SqliteDirectorySql.ForgetFilters, SqliteDirectorySql.ForgetGroups])
        {
            while (await TransactAsync(statements => statements.Execute(sql, ClosedAStep), cancellationToken) == ClosedAStep)
            {
            }
        }
    }

    private static bool CloseEnded(SqliteStatements statements)
    {
        long group, until;
        using (var ended = statements.Query(SqliteDirectorySql.EndedGroup))
        {
            if (!ended.Read()) return false;
            (group, until) = (ended.GetInt64(0), ended.GetInt64(1));
        }

        if (statements.Execute(SqliteDirectorySql.CloseEnded, group, until, ClosedAStep) < ClosedAStep)
            statements.Execute("UPDATE groups SET members = 0 WHERE id = ?1", group);
        return true;
    }

    private static UserAttributes? ReadAttributes(SqliteStatements statements, string name)
    {
        var read = List(statements, SqliteDirectorySql.Attributes, rows => ToAttributes(rows, name), name).FirstOrDefault();
        return read is null ? null : read with { RuledGroups = List(statements, SqliteDirectorySql.RuledGroups, rows => rows.GetInt64(0), read.User) };
    }

    private static PeopleReader Read(SqliteStatements statements, IReadOnlyList<SessionUser> users)
    {
        var head = SqliteReader.ReadHead(statements);
        var reading = new PeopleReader(users) { Head = head };
        for (var position = 0; position < users.Count; position++)
        {
            if (List(statements, SqliteDirectorySql.UserByName, ToUser, users[position].User) is not [var user]) continue;
            reading.Found(position, user.Number);
            foreach (var membership in List(statements, SqliteDirectorySql.Memberships, ToMembership, user.Number, head.Oldest))
                reading.Add(position, membership);
            foreach (var filter in List(statements, SqliteDirectorySql.Filters, ToSubscription, user.Number, head.Oldest)) reading.Add(position, filter);
            if (users[position].Device is { } device
                && statements.Scalar(SqliteDirectorySql.DeviceVersion, user.Number, device, head.Epoch.ToByteArray(true)) is long version)
                reading.Acknowledged(position, version);
        }

        return reading;
    }

    /// <summary>Several statements that see the same: the head is then that of the rows.</summary>
    private Task<T> SnapshotAsync<T>(Func<SqliteStatements, T> work, CancellationToken cancellationToken) => readers.ReadAsync(
        statements =>
        {
            statements.Execute("BEGIN");
            try
            {
                return work(statements);
            }
            finally
            {
                statements.Execute("COMMIT");
            }
        },
        cancellationToken);

    private Task<bool> AddUsersAsync(IEnumerable<string> names, CancellationToken cancellationToken) => TransactAsync(
        statements =>
        {
            SqliteChanges.AddUsers(statements, names);
            return true;
        },
        cancellationToken);

    private async Task<T> TransactAsync<T>(Func<SqliteStatements, T> work, CancellationToken cancellationToken)
    {
        try
        {
            return await writer.TransactAsync(work, cancellationToken);
        }
        catch (SqliteException error)
        {
            throw SqliteErrors.Unavailable(error);
        }
    }

    private static List<T> List<T>(SqliteStatements statements, string sql, Func<SqliteDataReader, T> row, params ReadOnlySpan<object?> values)
    {
        using var rows = statements.Query(sql, values);
        var list = new List<T>();
        while (rows.Read()) list.Add(row(rows));
        return list;
    }

    private long Now() => time.GetUtcNow().ToUnixTimeMilliseconds();

    private static DirectoryUser ToUser(SqliteDataReader rows) => new(rows.GetInt64(0), rows.GetString(1));

    private static Membership ToMembership(SqliteDataReader rows) => new(rows.GetInt64(0), rows.GetString(1), new Interval(rows.GetInt64(2), rows.GetInt64(3)));

    private static DurableSubscription ToSubscription(SqliteDataReader rows) => new(rows.GetString(0), new Interval(rows.GetInt64(1), rows.GetInt64(2)));

    private static TokenRevocation ToRevocation(SqliteDataReader rows) => new(rows.GetInt64(0), rows.GetString(1), rows.GetTime(2), rows.GetInt64(3));

    private static UserAttributes ToAttributes(SqliteDataReader rows, string name) =>
        new(rows.GetInt64(0), name, rows.IsDBNull(1) ? null : rows.GetString(1), rows.GetInt64(2), rows.IsDBNull(3) ? null : rows.GetTime(3));

    private static DirectoryGroup ToGroup(SqliteDataReader rows) => new(
        rows.GetInt64(0), rows.GetString(1), rows.IsDBNull(2) ? null : rows.GetString(2), rows.GetBoolean(3), rows.GetInt64(4),
        new Interval(rows.GetInt64(5), rows.GetInt64(6)));

    private static ApiKey ToKey(SqliteDataReader rows) => new(
        rows.GetInt64(0),
        new NewApiKey(
            rows.GetString(1), rows.GetString(2), rows.GetFieldValue<byte[]>(3),
                JsonSerializer.Deserialize(rows.GetString(4), DirectoryJson.Default.StringArray)!,
            JsonSerializer.Deserialize(rows.GetString(5), DirectoryJson.Default.StringArray)!, rows.GetBoolean(6), rows.IsDBNull(8) ? null : rows.GetTime(8)),
        rows.GetTime(7), rows.IsDBNull(9) ? null : rows.GetTime(9));
}
