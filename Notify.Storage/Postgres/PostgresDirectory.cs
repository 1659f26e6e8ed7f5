using System.Text.Json;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Npgsql;
using NpgsqlTypes;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>The directory on Postgres. Reads have connections of their own, so that they never wait for the log's.</summary>
internal sealed class PostgresDirectory(NpgsqlDataSource people, PostgresAppend append, KnownHead known) : IDirectory
{
    /// <summary>How many rows of what has ended are closed or forgotten in one transaction.</summary>
    private const int RowsAStep = 1000;

    public IRuleDirectory Rules { get; } = new PostgresRules(people);

    public async Task<ChangeResult> ChangeAsync(ChangeBatch batch, CancellationToken cancellationToken)
    {
        var nothing = await PostgresErrors.ReadAsync(() => PostgresChanges.LookAsync(people, batch, cancellationToken));
        if (nothing is not null) return nothing;
        var result = await append.ChangeAsync(batch, cancellationToken);
        known.Observe(result.Epoch, result.Head);
        return result;
    }

    public Task<PeopleReading> ReadPeopleAsync(IReadOnlyList<SessionUser> users, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(async () =>
    {
        var reading = new PeopleReader(users);
        for (var attempt = 0; ; attempt++)
        {
            await using (var command = people.CreateCommand(PostgresDirectorySql.People))
            {
                command.Parameters.Add(Value(users.Select(user => user.User).ToArray()));
                command.Parameters.Add(Value(users.Select(user => user.Device).ToArray()));
                await using var rows = await command.ExecuteReaderAsync(cancellationToken);
                while (await rows.ReadAsync(cancellationToken)) Add(reading, rows);
            }

            if (reading.Unknown is not { Count: > 0 } unknown || attempt > 0) return reading.Result();
            await PostgresChanges.AddUsersAsync(people, unknown, cancellationToken);
            reading = new PeopleReader(users);
        }
    });

    public Task<IReadOnlyList<DirectoryUser>> FindUsersAsync(IReadOnlyCollection<long> numbers, CancellationToken cancellationToken) =>
        ListAsync(PostgresDirectorySql.UsersByNumber, ToUser, cancellationToken, Value(numbers.ToArray()));

    public Task<IReadOnlyList<DirectoryUser>> FindUsersAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        ListAsync(PostgresDirectorySql.UsersByName, ToUser, cancellationToken, Value(names.ToArray()));

    public Task<IReadOnlyList<DirectoryGroup>> FindGroupsAsync(IReadOnlyCollection<long> numbers, CancellationToken cancellationToken) =>
        ListAsync(PostgresDirectorySql.GroupsByNumber, ToGroup, cancellationToken, Value(numbers.ToArray()));

    public async Task<DirectoryGroup?> FindGroupAsync(string name, CancellationToken cancellationToken) =>
        await ListAsync(PostgresDirectorySql.GroupByName, ToGroup, cancellationToken, Value(name)) is [var found, ..] ? found : null;

    public Task<IReadOnlyList<DirectoryGroup>> ListGroupsAsync(string prefix, string? after, int limit, CancellationToken cancellationToken) =>
        ListAsync(
            PostgresDirectorySql.ListGroups, ToGroup, cancellationToken,
            Value(prefix), Value(LogLimits.LastWithPrefix(prefix)), Value(after ?? ""), Value((long)limit));

    public async Task<DirectoryPage<DirectoryUser, long>> ListMembersAsync(long group, long after, int limit, CancellationToken cancellationToken)
    {
        var users = await ListAsync(PostgresDirectorySql.ListMembers, ToUser, cancellationToken, Value(group), Value(after), Value((long)limit));
        return new(users, users.Count == limit ? users[^1].Number : null);
    }

    public Task<(LogHead Head, IReadOnlyList<long> Users)> FindMembersAsync(long group, IReadOnlyCollection<long> users, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync<(LogHead, IReadOnlyList<long>)>(async () =>
        {
            await using var command = people.CreateCommand(PostgresDirectorySql.FindMembers);
            command.Parameters.Add(Value(group));
            command.Parameters.Add(Value(users.ToArray()));
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            await rows.ReadAsync(cancellationToken);
            return (ToHead(rows), rows.GetFieldValue<long[]>(4));
        });

    public Task<(LogHead Head, IReadOnlyList<HeldBy> Held)> ReadHeldAsync(long group, IReadOnlyCollection<long> users, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync<(LogHead, IReadOnlyList<HeldBy>)>(async () =>
        {
            await using var command = people.CreateCommand(PostgresDirectorySql.ReadHeld);
            command.Parameters.Add(Value(group));
            command.Parameters.Add(Value(users.ToArray()));
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            var (head, held) = (default(LogHead), new List<HeldBy>());
            while (await rows.ReadAsync(cancellationToken))
            {
                head = ToHead(rows);
                if (!rows.IsDBNull(4)) held.Add(new HeldBy(rows.GetInt64(4), new Interval(rows.GetInt64(5), rows.GetInt64(6))));
            }

            return (head, held);
        });

    public Task<IReadOnlyList<string>> ListGroupsOfAsync(string user, string? after, int limit, CancellationToken cancellationToken) =>
        ListAsync(PostgresDirectorySql.ListGroupsOf, rows => rows.GetString(0), cancellationToken, Value(user), Value(after ?? ""), Value((long)limit));

    public Task<IReadOnlyList<string>> ListSubscriptionsAsync(string user, string? after, int limit, CancellationToken cancellationToken) =>
        ListAsync(PostgresDirectorySql.ListFilters, rows => rows.GetString(0), cancellationToken, Value(user), Value(after ?? ""), Value((long)limit));

    public Task AcknowledgeAsync(IReadOnlyCollection<Acknowledgement> acknowledgements, CancellationToken cancellationToken) =>
        PostgresErrors.TranslateOutages(async () =>
    {
        var highest = AcknowledgementList.Highest(acknowledgements);
        if (highest.Count == 0) return 0;
        await using var batch = people.CreateBatch();
        batch.BatchCommands.Add(new(PostgresDirectorySql.Acknowledge)
        {
            Parameters =
            {
                Value(highest.ConvertAll(one => one.User).ToArray()), Value(highest.ConvertAll(one => one.Device).ToArray()),
                Value(highest.ConvertAll(one => one.Epoch).ToArray()), Value(highest.ConvertAll(one => one.Version).ToArray()),
            },
        });
        batch.BatchCommands.Add(new(PostgresDirectorySql.ForgetDevices)
        {
            Parameters = { Value(highest.Select(one => one.User).Distinct().Order().ToArray()), Value((long)IDirectory.MostDevices) },
        });
        return await batch.ExecuteNonQueryAsync(cancellationToken);
    });

    public Task<IReadOnlyList<UserDevice>> ListDevicesAsync(string user, string? after, int limit, CancellationToken cancellationToken) =>
        ListAsync(
            PostgresDirectorySql.ListDevices, rows => new UserDevice(rows.GetString(0), rows.GetInt64(1), rows.GetDateTime(2)), cancellationToken,
            Value(user), Value(after ?? ""), Value((long)limit));

    public Task ForgetDeviceAsync(string user, string device, CancellationToken cancellationToken) =>
        ExecuteAsync(PostgresDirectorySql.ForgetDevice, cancellationToken, Value(user), Value(device));

    public Task<AttributesReading> ReadAttributesAsync(IReadOnlyList<string> users, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(async () =>
    {
        for (var attempt = 0; ; attempt++)
        {
            var (reading, missing) = await ReadAttributesOnceAsync(users, cancellationToken);
            if (missing.Count == 0 || attempt > 0) return reading;
            await PostgresChanges.AddUsersAsync(people, missing, cancellationToken);
        }
    });

    public Task<IReadOnlyList<long>> StoreAttributesAsync(long rulesRevision, IReadOnlyCollection<NewAttributes> attributes,
        CancellationToken cancellationToken) =>
        PostgresErrors.TranslateOutages<IReadOnlyList<long>>(async () =>
        {
            var users = attributes.Select(one => one.User).ToArray();
            var stamps = attributes.Select(one => one.Stamp).ToArray();
            var groups = attributes.SelectMany(one => one.Groups.Select(group => (one.User, group.Group, group.IsMember))).ToList();
            await using var batch = people.CreateBatch();
            batch.BatchCommands.Add(new(PostgresDirectorySql.HoldAttributes) { Parameters = { Value(rulesRevision), Value(users), Value(stamps) } });
            batch.BatchCommands.Add(new(PostgresDirectorySql.StoreAttributes)
            {
                Parameters =
                {
                    Value(rulesRevision), Value(users), Value(stamps), Value(attributes.Select(one => one.Json).ToArray()),
                    Times(attributes.Select(one => one.ClaimsIssuedAt)), Value(groups.ConvertAll(group => group.User).ToArray()),
                    Value(groups.ConvertAll(group => group.Group).ToArray()), Value(groups.ConvertAll(group => group.IsMember).ToArray()),
                },
            });
            await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
            await rows.NextResultAsync(cancellationToken);
            var stored = new List<long>();
            while (await rows.ReadAsync(cancellationToken)) stored.Add(rows.GetInt64(0));
            while (await rows.NextResultAsync(cancellationToken))
            {
            }

            return stored;
        });

    internal static NpgsqlParameter Times(IEnumerable<DateTimeOffset?> times) => new NpgsqlParameter<DateTime?[]>
    {
        NpgsqlDbType = NpgsqlDbType.Array | NpgsqlDbType.TimestampTz,
        TypedValue = [.. times.Select(time => time?.UtcDateTime)],
    };

    public async Task<ApiKey?> FindKeyAsync(string id, CancellationToken cancellationToken) =>
        await ListAsync(PostgresDirectorySql.KeyById, ToKey, cancellationToken, Value(id)) is [var found, ..] ? found : null;

    public async Task<DirectoryPage<ApiKey, long>> ListKeysAsync(long after, int limit, CancellationToken cancellationToken)
    {
        var keys = await ListAsync(PostgresDirectorySql.ListKeys, ToKey, cancellationToken, Value(after), Value((long)limit));
        return new(keys, keys.Count == limit ? keys[^1].Number : null);
    }

    public async Task<bool> WereKeysStoredAsync(CancellationToken cancellationToken) =>
        (await ListAsync(PostgresDirectorySql.WereKeysStored, rows => rows.GetBoolean(0), cancellationToken))[0];

    public Task UseKeysAsync(IReadOnlyDictionary<string, DateTimeOffset> usedAt, CancellationToken cancellationToken) =>
        ExecuteAsync(
            PostgresDirectorySql.UseKeys, cancellationToken,
            Value(usedAt.Keys.ToArray()), Value(usedAt.Values.Select(at => at.UtcDateTime).ToArray()));

    public Task<(LogHead Head, DirectoryPage<TokenRevocation, long> Page)> ListRevocationsAsync(long after, int limit, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync<(LogHead, DirectoryPage<TokenRevocation, long>)>(async () =>
        {
            await using var command = people.CreateCommand(PostgresDirectorySql.ListRevocations);
            command.Parameters.Add(Value(after));
            command.Parameters.Add(Value((long)limit));
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            var (head, items) = (default(LogHead), new List<TokenRevocation>());
            while (await rows.ReadAsync(cancellationToken))
            {
                head = ToHead(rows);
                if (!rows.IsDBNull(4)) items.Add(new TokenRevocation(rows.GetInt64(4), rows.GetString(5), rows.GetDateTime(6), rows.GetInt64(7)));
            }

            return (head, new(items, items.Count == limit ? items[^1].User : null));
        });

    public async Task<TokenRevocation?> FindRevocationAsync(string user, CancellationToken cancellationToken) =>
        (await ListAsync(
            PostgresDirectorySql.RevocationOf,
            rows => new TokenRevocation(rows.GetInt64(0), rows.GetString(1), rows.GetDateTime(2), rows.GetInt64(3)), cancellationToken,
                Value(user))) is [var found, ..] ? found : null;

    /// <summary>Closes what groups that have ended left open, and forgets what ended before everything that is kept; part of the log's sweep.</summary>
    public Task SweepAsync(CancellationToken cancellationToken) => PostgresErrors.TranslateOutages(async () =>
    {
        await InStepsAsync(PostgresDirectorySql.CloseEnded, async command => await command.ExecuteScalarAsync(cancellationToken) is not 0L);
        foreach (var sql in (string[])[PostgresDirectorySql.ForgetMemberships, PostgresDirectorySql.ForgetFilters, PostgresDirectorySql.ForgetGroups])
            await InStepsAsync(sql, async command => await command.ExecuteNonQueryAsync(cancellationToken) == RowsAStep);
        return true;
    });

    private async Task InStepsAsync(string sql, Func<NpgsqlCommand, Task<bool>> stepAsync)
    {
        bool isMore;
        do
        {
            await using var command = people.CreateCommand(sql);
            command.Parameters.Add(Value((long)RowsAStep));
            isMore = await stepAsync(command);
        }
        while (isMore);
    }

    private async Task<(AttributesReading Reading, List<string> Missing)> ReadAttributesOnceAsync(IReadOnlyList<string> users,
        CancellationToken cancellationToken)
    {
        await using var batch = people.CreateBatch();
        batch.BatchCommands.Add(new(PostgresDirectorySql.RulesRevision));
        batch.BatchCommands.Add(new(PostgresDirectorySql.ReadAttributes) { Parameters = { Value(users.ToArray()) } });
        batch.BatchCommands.Add(new(PostgresDirectorySql.ReadRuledGroups) { Parameters = { Value(users.ToArray()) } });
        await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
        await rows.ReadAsync(cancellationToken);

        // The older of the two revisions: what is decided for it is not stored when the rules changed in between.
        var (revision, epoch) = (rows.GetInt64(0), rows.GetGuid(1));
        await rows.NextResultAsync(cancellationToken);
        var read = new UserAttributes[users.Count];
        while (await rows.ReadAsync(cancellationToken))
        {
            var position = (int)rows.GetInt64(1) - 1;
            read[position] = new UserAttributes(
                rows.GetInt64(2), users[position], rows.IsDBNull(3) ? null : rows.GetString(3), rows.GetInt64(4), rows.IsDBNull(5) ? null
                    : rows.GetDateTime(5));
        }

        await rows.NextResultAsync(cancellationToken);
        var groups = new HashSet<long>[users.Count];
        while (await rows.ReadAsync(cancellationToken)) (groups[(int)rows.GetInt64(0) - 1] ??= []).Add(rows.GetInt64(1));
        for (var i = 0; i < read.Length; i++)
        {
            if (read[i] is not null && groups[i] is { } ruled) read[i] = read[i] with { RuledGroups = ruled };
        }

        return (new AttributesReading(revision, read) { Epoch = epoch },
            [.. users.Where((_, position) => read[position] is null).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)]);
    }

    private static void Add(PeopleReader reading, NpgsqlDataReader rows)
    {
        var position = (int)rows.GetInt64(1) - 1;
        switch (rows.GetInt32(0))
        {
            case 0:
                reading.Head =
                    new LogHead(rows.GetGuid(6), rows.GetInt64(5), rows.GetInt64(4)) { LastChange = rows.GetInt64(2), Now = new(rows.GetDateTime(7)) };
                break;
            case 1:
                reading.Found(position, rows.GetInt64(2));
                break;
            case 2:
                reading.Add(position, new Membership(rows.GetInt64(2), rows.GetString(3), new Interval(rows.GetInt64(4), rows.GetInt64(5))));
                break;
            case 3:
                reading.Add(position, new DurableSubscription(rows.GetString(3), new Interval(rows.GetInt64(4), rows.GetInt64(5))));
                break;
            default:
                reading.Acknowledged(position, rows.GetInt64(2));
                break;
        }
    }

    private Task<IReadOnlyList<T>> ListAsync<T>(string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken,
        params NpgsqlParameter[] parameters) =>
        PostgresErrors.ReadAsync<IReadOnlyList<T>>(async () =>
        {
            await using var command = people.CreateCommand(sql);
            command.Parameters.AddRange(parameters);
            try
            {
                await using var rows = await command.ExecuteReaderAsync(cancellationToken);
                var list = new List<T>();
                while (await rows.ReadAsync(cancellationToken)) list.Add(row(rows));
                return list;
            }
            finally
            {
                // A parameter belongs to one command, and the second attempt makes another.
                command.Parameters.Clear();
            }
        });

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        PostgresErrors.TranslateOutages(async () =>
        {
            await using var command = people.CreateCommand(sql);
            command.Parameters.AddRange(parameters);
            return await command.ExecuteNonQueryAsync(cancellationToken);
        });

    private static LogHead ToHead(NpgsqlDataReader rows) => new(rows.GetGuid(0), rows.GetInt64(1), rows.GetInt64(2)) { LastChange = rows.GetInt64(3) };

    private static DirectoryUser ToUser(NpgsqlDataReader rows) => new(rows.GetInt64(0), rows.GetString(1));

    private static DirectoryGroup ToGroup(NpgsqlDataReader rows) => new(
        rows.GetInt64(0), rows.GetString(1), rows.IsDBNull(2) ? null : rows.GetString(2), rows.GetBoolean(3), rows.GetInt64(4),
        new Interval(rows.GetInt64(5), rows.GetInt64(6)));

    private static ApiKey ToKey(NpgsqlDataReader rows) => new(
        rows.GetInt64(0),
        new NewApiKey(
            rows.GetString(1), rows.GetString(2), rows.GetFieldValue<byte[]>(3),
                JsonSerializer.Deserialize(rows.GetString(4), DirectoryJson.Default.StringArray)!,
            JsonSerializer.Deserialize(rows.GetString(5), DirectoryJson.Default.StringArray)!, rows.GetBoolean(6), rows.IsDBNull(8) ? null
                : rows.GetDateTime(8)),
        rows.GetDateTime(7), rows.IsDBNull(9) ? null : rows.GetDateTime(9));
}
