using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Storage;

/// <summary>What is told, and what is stored, when something fails in the middle of an append.</summary>
public sealed class PostgresFailureTests(PostgresCluster cluster) : PostgresLogTestBase(cluster)
{
    [Fact]
    public async Task An_error_at_commit_acknowledges_nothing_and_stores_nothing()
    {
        var log = await OpenAsync();
        await log.AppendAsync(Batch(Entry("a")), Stop);
        await ExecuteAsync("""
            CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'not today'; END $$;
            CREATE CONSTRAINT TRIGGER fail_at_commit AFTER INSERT ON appends DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION fail();
            """);
        var batch = Batch(Entry("a"), Entry("b"));
        await Assert.ThrowsAsync<StorageUnavailableException>(() => log.AppendAsync(batch, Stop));
        Assert.Equal(1, (await log.ReadHeadAsync(Stop)).Head);

        await ExecuteAsync("DROP TRIGGER fail_at_commit ON appends");
        Assert.Equal([2L, 3L], (await log.AppendAsync(batch, Stop)).Stored.Select(entry => entry.Version));
    }

    [Fact]
    public async Task An_answer_lost_after_the_commit_is_unknown_and_the_repeat_finds_it_stored_once()
    {
        await using var proxy = new TcpProxy(Cluster.Port);
        var direct = await OpenAsync();
        var log = await OpenAsync(port: proxy.Port);
        await log.AppendAsync(Batch(Entry("a")), Stop);

        var batch = Batch(Entry("a"), Entry("a") with { Key = Key("k") });
        proxy.LoseAnswers = true;
        var append = log.AppendAsync(batch, Stop);
        await Eventually.TrueAsync(async () => (await direct.ReadHeadAsync(Stop)).Head == 3, "the batch is committed");
        proxy.Cut();
        await Assert.ThrowsAsync<AppendOutcomeUnknownException>(() => append);

        proxy.LoseAnswers = false;
        await direct.AppendAsync(Batch(Entry("a")), Stop);
        var again = await log.AppendAsync(batch, Stop);
        Assert.Equal([2L, 3L], again.Stored.Select(entry => entry.Version));
        Assert.Equal([2L, 3L], again.Stored.Select(entry => entry.TopicSeq));
        Assert.All(again.Outcomes, outcome => Assert.IsType<AppendOutcome.Stored>(outcome));
        Assert.Equal(4, (await direct.ReadHeadAsync(Stop)).Head);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_read_whose_idle_connection_has_ended_is_made_on_another(bool isEndedByServer)
    {
        await using var proxy = new TcpProxy(Cluster.Port);
        var log = await OpenAsync(port: proxy.Port);
        await log.AppendAsync(Batch(Entry("a")), Stop);
        Dictionary<string, Func<Task>> reads = new()
        {
            ["head"] = () => log.ReadHeadAsync(Stop),
            ["log"] = () => log.ReadAsync(0, 10, 1000, Stop),
            ["topics of the log"] = () => log.ReadTopicsAsync([1], 0, 10, 1000, Stop),
            ["inbox"] = () => log.Inbox.ReadAsync(["u"], snapshot => Task.FromResult(snapshot.Head), Stop),
            ["people"] = () => log.Directory.ReadPeopleAsync([new SessionUser("u", null)], Stop),
            ["attributes"] = () => log.Directory.ReadAttributesAsync(["u"], Stop),
            ["lists"] = () => log.Directory.ListGroupsAsync("", null, 10, Stop),
            ["members"] = () => log.Directory.FindMembersAsync(1, [1], Stop),
            ["revocations"] = () => log.Directory.ListRevocationsAsync(0, 10, Stop),
            ["topics"] = () => log.FindTopicsByPrefixAsync("a", 10, Stop),
            ["statistics"] = () => log.Nodes.ReadStatisticsAsync(Stop),
            ["rules"] = () => log.Directory.Rules.ReadRulesAsync(0, Stop),
        };
        foreach (var (name, read) in reads)
        {
            // Several connections lie in the pool: the second attempt must not meet the next ended one.
            await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => read()));
            if (isEndedByServer)
            {
                Assert.True(await Cluster.ScalarAsync<long>("postgres",
                    $"SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity WHERE datname = '{Database}'") > 1);
            }
            else
            {
                proxy.Reset();
            }

            Assert.Null(await Record.ExceptionAsync(read) is { } failed ? $"{name}: {failed.Message}" : null);
        }
    }

    [Fact]
    public async Task A_read_whose_answer_is_lost_binds_its_parameters_once_more()
    {
        await using var proxy = new TcpProxy(Cluster.Port);
        var log = await OpenAsync(port: proxy.Port);
        Dictionary<string, Func<Task>> reads = new()
        {
            ["users by number"] = () => log.Directory.FindUsersAsync([1L], Stop),
            ["users by name"] = () => log.Directory.FindUsersAsync(["u"], Stop),
            ["groups by number"] = () => log.Directory.FindGroupsAsync([1L], Stop),
            ["group by name"] = () => log.Directory.FindGroupAsync("g", Stop),
            ["groups"] = () => log.Directory.ListGroupsAsync("", null, 10, Stop),
            ["members"] = () => log.Directory.ListMembersAsync(1, 0, 10, Stop),
            ["groups of"] = () => log.Directory.ListGroupsOfAsync("u", null, 10, Stop),
            ["subscriptions"] = () => log.Directory.ListSubscriptionsAsync("u", null, 10, Stop),
            ["devices"] = () => log.Directory.ListDevicesAsync("u", null, 10, Stop),
            ["keys"] = () => log.Directory.ListKeysAsync(0, 10, Stop),
            ["revocation"] = () => log.Directory.FindRevocationAsync("u", Stop),
            ["kept"] = () => log.Inbox.FindKeptAsync(Guid.NewGuid(), Stop),
            ["pending rules"] = () => log.Directory.Rules.CountPendingAsync(Stop),
            ["last seen"] = () => log.Nodes.LastSeenAsync("u", Stop),
        };
        foreach (var (name, read) in reads)
        {
            await read();
            proxy.LoseAnswers = true;
            var answerLost = proxy.AnswerLostAsync();
            var lost = read();
            await answerLost;
            proxy.LoseAnswers = false;
            proxy.Reset();
            Assert.Null(await Record.ExceptionAsync(() => lost) is { } failed ? $"{name}: {failed.Message}" : null);
        }
    }

    [Fact]
    public async Task A_lost_backend_still_queued_for_the_lock_and_the_repeat_behind_it_store_once()
    {
        await using var proxy = new TcpProxy(Cluster.Port);
        var log = await OpenAsync(port: proxy.Port);
        await log.AppendAsync(Batch(Entry("a")), Stop);

        await using var holder = await Cluster.ConnectAsync(Database);
        await using var held = await holder.BeginTransactionAsync(Stop);
        await new NpgsqlCommand("SELECT FROM log_head FOR UPDATE", holder).ExecuteNonQueryAsync(Stop);

        var batch = Batch(Entry("a"), Entry("b"));
        var lost = log.AppendAsync(batch, Stop);
        await WaitersAsync(1);
        proxy.Cut();
        await Assert.ThrowsAsync<AppendOutcomeUnknownException>(() => lost);

        var repeat = log.AppendAsync(batch, Stop);
        await WaitersAsync(2);
        await held.CommitAsync(Stop);
        Assert.Equal([2L, 3L], (await repeat).Stored.Select(entry => entry.Version));
        Assert.Equal(3, (await ReadAllAsync(log)).Count);
        Assert.Equal(2, await ScalarAsync<long>("SELECT count(*) FROM appends"));
    }

    [Fact]
    public async Task Rows_that_the_database_refuses_are_found_among_good_ones()
    {
        var log = await OpenAsync();
        await ExecuteAsync("ALTER TABLE notifications ADD CONSTRAINT not_this CHECK (content <> '\\x626164')");
        NewEntry[] entries = [.. Enumerable.Range(0, 40).Select(i => Entry($"t{i % 3}", i is 7 or 8 or 31 ? "bad" : "{}"))];
        entries[12] = Entry(new string([.. Enumerable.Range(0, 30_000).Select(i => (char)(0x4e00 + i * 7919 % 20_000))])); // too long to index
        entries[20] = entries[20] with { Key = Key("k") };
        var batch = Batch(entries);

        var result = await log.AppendAsync(batch, Stop);
        int[] refused = [7, 8, 12, 31];
        Assert.Equal(refused, Enumerable.Range(0, 40).Where(i => result.Outcomes[i] is AppendOutcome.Refused));
        Assert.Equal(Enumerable.Range(1, 36).Select(i => (long)i), result.Stored.Select(entry => entry.Version));

        var again = await log.AppendAsync(batch, Stop);
        Assert.Equal(36, again.Stored.Count);
        Assert.Equal(refused, Enumerable.Range(0, 40).Where(i => again.Outcomes[i] is AppendOutcome.Refused));
        Assert.Equal(36, (await log.ReadHeadAsync(Stop)).Head);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_node_stopped_in_the_middle_of_a_batch_does_not_keep_the_logs_lock(bool betweenRoundTrips)
    {
        await using var proxy = new TcpProxy(Cluster.Port);
        var stopped = await OpenAsync(port: proxy.Port);
        var other = await OpenAsync();
        await stopped.AppendAsync(Batch(Entry("a")), Stop);
        await stopped.Directory.ChangeAsync(new ChangeBatch(Guid.NewGuid(), [new DirectoryChange.PutGroup("g")], new DirectoryLimits(10, 10)), Stop);

        Task lost;
        if (betweenRoundTrips)
        {
            // By hand, with the node's own settings: BEGIN and the lock have arrived, and nothing after them.
            await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder(PostgresCluster.ConnectionString(Database, proxy.Port))
            {
                Options = PostgresConnections.ServerOptions,
                SearchPath = "notify",
            });
            var connection = await source.OpenConnectionAsync(Stop);
            await using var batch = new NpgsqlBatch(connection) { BatchCommands = { new("BEGIN"), new("SELECT FROM log_head FOR UPDATE") } };
            await batch.ExecuteNonQueryAsync(Stop);
            lost = Task.CompletedTask;
            Assert.Equal(3, await AppendedAsync(other));
        }
        else
        {
            proxy.RequestBytes = 100_000;
            lost = stopped.AppendAsync(Batch(Entry("a", $"\"{new string('x', 2_000_000)}\"")), Stop);
            await Eventually.TrueAsync(
                async () => await ScalarAsync<long>(
                    $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{Database}' AND state = 'active' AND wait_event = 'ClientRead'") == 1,
                "the server has taken the lock and waits for the rest");
            Assert.Equal(3, await AppendedAsync(other));
            var unknown = await Assert.ThrowsAsync<AppendOutcomeUnknownException>(() => lost);
            Assert.Equal(PostgresErrorCodes.AdminShutdown, Assert.IsType<PostgresException>(unknown.InnerException).SqlState);
        }
    }

    [Fact]
    public async Task Somebodys_table_lock_is_told_as_unavailable_and_waited_out()
    {
        var log = await OpenAsync();
        await log.AppendAsync(Batch(Entry("a")), Stop);
        await using (var holder = await Cluster.ConnectAsync(Database))
        await using (await holder.BeginTransactionAsync(Stop))
        {
            await new NpgsqlCommand("LOCK TABLE notifications", holder).ExecuteNonQueryAsync(Stop);
            await Assert.ThrowsAsync<StorageUnavailableException>(() => log.AppendAsync(Batch(Entry("a")), Stop));
        }

        Assert.Equal(2, Assert.Single((await log.AppendAsync(Batch(Entry("a")), Stop)).Stored).Version);
    }

    [Fact]
    public async Task A_canceled_append_is_unknown_and_the_repeat_stores_it_once()
    {
        var log = await OpenAsync();
        await log.AppendAsync(Batch(Entry("a")), Stop);
        await using var holder = await Cluster.ConnectAsync(Database);
        await using var held = await holder.BeginTransactionAsync(Stop);
        await new NpgsqlCommand("SELECT FROM log_head FOR UPDATE", holder).ExecuteNonQueryAsync(Stop);

        var batch = Batch(Entry("a"));
        using var cancel = new CancellationTokenSource();
        var append = log.AppendAsync(batch, cancel.Token);
        await WaitersAsync(1);
        await cancel.CancelAsync();
        await Assert.ThrowsAsync<AppendOutcomeUnknownException>(() => append);
        await held.CommitAsync(Stop);
        Assert.Equal(2, Assert.Single((await log.AppendAsync(batch, Stop)).Stored).Version);
    }

    [Fact]
    public async Task A_read_only_database_is_unavailable_until_it_is_writable_again()
    {
        var log = await OpenAsync();
        await Cluster.ExecuteAsync("postgres", $"ALTER DATABASE {Database} SET default_transaction_read_only = on");
        var other = await Assert.ThrowsAsync<StorageUnavailableException>(async () =>
            await (await OpenAsync()).AppendAsync(Batch(Entry("a")), Stop));
        Assert.Contains("25006", other.Message, StringComparison.Ordinal);
        await Cluster.ExecuteAsync("postgres", $"ALTER DATABASE {Database} RESET default_transaction_read_only");
        Assert.Equal(1, Assert.Single((await log.AppendAsync(Batch(Entry("a")), Stop)).Stored).Version);
    }

    [Fact]
    public async Task A_crashed_server_is_unavailable_and_the_log_goes_on_after_its_recovery()
    {
        await using var own = new PostgresCluster();
        var database = await own.CreateDatabaseAsync();
        await using var log = await Notify.Storage.LogStore.OpenAsync(new() { Postgres = own.ConnectionString(database) }, Stop);
        await log.AppendAsync(Batch(Entry("a")), Stop);
        var epoch = (await log.ReadHeadAsync(Stop)).Epoch;
        var batch = Batch(Entry("a"));

        await own.StopAsync(immediate: true);
        await Assert.ThrowsAsync<StorageUnavailableException>(() => log.ReadHeadAsync(Stop));
        await Assert.ThrowsAsync<AppendOutcomeUnknownException>(() => log.AppendAsync(batch, Stop)); // its connection was open
        await Assert.ThrowsAsync<StorageUnavailableException>(() => log.AppendAsync(batch, Stop));

        await own.StartAsync();
        var result = await log.AppendAsync(batch, Stop);
        Assert.Equal(2, Assert.Single(result.Stored).Version);
        Assert.Equal(epoch, result.Epoch);
    }

    /// <summary>As the append loop does: again until it is stored.</summary>
    private static async Task<long> AppendedAsync(INotificationLog log)
    {
        var batch = Batch(Entry("b"));
        for (var attempt = 0; ; attempt++)
        {
            try
            {
                return Assert.Single((await log.AppendAsync(batch, Stop)).Stored).Version;
            }
            catch (StorageUnavailableException) when (attempt < 5)
            {
            }
        }
    }
}
