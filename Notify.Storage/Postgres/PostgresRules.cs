using Notify.Storage.Directory;
using Npgsql;
using static Notify.Storage.Postgres.PostgresParameters;

namespace Notify.Storage.Postgres;

/// <summary>Rules at work on Postgres, which evaluates them itself.</summary>
internal sealed class PostgresRules(NpgsqlDataSource people) : IRuleDirectory
{
    public Task<RulesReading> ReadRulesAsync(long above, CancellationToken cancellationToken) => PostgresErrors.ReadAsync(async () =>
    {
        await using var command = Command(PostgresRuleSql.ReadRules, Value(above));
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        var (epoch, revision, rules) = (Guid.Empty, 0L, new List<StoredRule>());
        while (await rows.ReadAsync(cancellationToken))
        {
            (epoch, revision) = (rows.GetGuid(0), rows.GetInt64(1));
            if (!rows.IsDBNull(2)) rules.Add(new StoredRule(rows.GetInt64(2), rows.GetString(3), rows.GetInt64(4), rows.GetBoolean(5), rows.GetBoolean(6)));
        }

        return new RulesReading(epoch, revision, rules);
    });

    public Task<RuleWork?> ClaimAsync(Guid owner, TimeSpan lease, CancellationToken cancellationToken) => PostgresErrors.TranslateOutages(async () =>
    {
        await using var command = Command(PostgresRuleSql.Claim, Value(owner), Value(lease));
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        return await rows.ReadAsync(cancellationToken) ? new RuleWork(rows.GetInt64(0), rows.GetString(1), rows.GetInt64(2), rows.GetBoolean(3), owner) : null;
    });

    public async Task<bool> RenewAsync(RuleWork work, TimeSpan lease, CancellationToken cancellationToken) =>
        await ExecuteAsync(PostgresRuleSql.Renew, cancellationToken, Value(work.Group), Value(work.Owner), Value(work.Revision), Value(lease)) > 0;

    public Task FinishAsync(RuleWork work, CancellationToken cancellationToken) =>
        ExecuteAsync(PostgresRuleSql.Finish, cancellationToken, Value(work.Group), Value(work.Owner), Value(work.Revision));

    public Task AbandonAsync(RuleWork work, CancellationToken cancellationToken) => ExecuteAsync(PostgresRuleSql.Abandon, cancellationToken, Value(work.Group));

    public Task<RuleSlice> CompareAsync(RuleWork work, RuleTest rule, long after, int users, CancellationToken cancellationToken) =>
        PostgresErrors.TranslateOutages(async () =>
        {
            await using var command = Command(
                PostgresRuleSql.Compare, Value(work.Group), Path(rule), Vars(rule), Value(after), Value((long)users));
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            var differences = new List<RuleDifference>();
            long? next = null;
            while (await rows.ReadAsync(cancellationToken))
            {
                next = rows.GetInt64(1) == users ? rows.GetInt64(0) : null;
                if (!rows.IsDBNull(2)) differences.Add(new RuleDifference(rows.GetInt64(2), rows.GetInt64(3), rows.GetBoolean(4)));
            }

            return new RuleSlice(differences, next);
        });

    public Task<FillStep?> FillAsync(RuleWork work, RuleTest rule, long after, int users, CancellationToken cancellationToken) =>
        FillAsync(
            work, users,
            new NpgsqlBatchCommand(PostgresRuleSql.Fill)
            {
                Parameters =
                {
                    Value(work.Group), Path(rule), Vars(rule), Value(after), Value(work.Owner), Value(work.Revision), Value((long)users),
                },
            },
            cancellationToken);

    public Task<FillStep?> FillChangedAsync(RuleWork work, RuleTest rule, string mark, CancellationToken cancellationToken) =>
        FillAsync(
            work, int.MaxValue,
            new NpgsqlBatchCommand(PostgresRuleSql.FillChanged)
            {
                Parameters = { Value(work.Group), Path(rule), Vars(rule), Value(mark), Value(work.Owner), Value(work.Revision) },
            },
            cancellationToken);

    public Task<long> CountPendingAsync(CancellationToken cancellationToken) => PostgresErrors.ReadAsync(async () =>
    {
        await using var command = people.CreateCommand(PostgresRuleSql.CountPending);
        return (long)(await command.ExecuteScalarAsync(cancellationToken))!;
    });

    public Task<long> CountFilledAsync(RuleWork work, CancellationToken cancellationToken) => PostgresErrors.TranslateOutages(async () =>
    {
        await using var batch = people.CreateBatch();
        batch.BatchCommands.Add(new(PostgresRuleSql.HoldFill) { Parameters = { Value(work.Group) } });
        batch.BatchCommands.Add(new(PostgresRuleSql.CountFilled) { Parameters = { Value(work.Group) } });
        await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
        await rows.NextResultAsync(cancellationToken);
        await rows.ReadAsync(cancellationToken);
        return rows.GetInt64(0);
    });

    public Task<RulePreview> PreviewAsync(RuleTest rule, long after, int users, int examples, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(async () =>
        {
            await using var command = Command(
                PostgresRuleSql.Preview, Path(rule), Vars(rule), Value(after), Value((long)users), Value((long)examples));
            await using var rows = await command.ExecuteReaderAsync(cancellationToken);
            await rows.ReadAsync(cancellationToken);
            return new RulePreview(rows.GetInt64(1), rows.GetFieldValue<string[]>(3), rows.GetInt64(0) == users ? rows.GetInt64(2) : null);
        });

    private Task<FillStep?> FillAsync(RuleWork work, int users, NpgsqlBatchCommand fill, CancellationToken cancellationToken) =>
        PostgresErrors.TranslateOutages<FillStep?>(async () =>
        {
            await ExecuteAsync(PostgresRuleSql.LowerStamps, cancellationToken);

            // Two statements: the second one's snapshot is younger than the wait for the first.
            await using var batch = people.CreateBatch();
            batch.BatchCommands.Add(new(PostgresRuleSql.HoldFill) { Parameters = { Value(work.Group) } });
            batch.BatchCommands.Add(fill);
            await using var rows = await batch.ExecuteReaderAsync(cancellationToken);
            await rows.NextResultAsync(cancellationToken);
            await rows.ReadAsync(cancellationToken);
            if (!rows.GetBoolean(3)) return null;
            var looked = (int)rows.GetInt64(1);
            var step = new FillStep(rows.GetString(0), looked, looked == users ? rows.GetInt64(2) : null);
            while (await rows.NextResultAsync(cancellationToken))
            {
            }

            return step;
        });

    private NpgsqlCommand Command(string sql, params NpgsqlParameter[] parameters)
    {
        var command = people.CreateCommand(sql);
        command.Parameters.AddRange(parameters);
        return command;
    }

    private Task<int> ExecuteAsync(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        PostgresErrors.TranslateOutages(async () =>
    {
        await using var command = Command(sql, parameters);
        return await command.ExecuteNonQueryAsync(cancellationToken);
    });
}
