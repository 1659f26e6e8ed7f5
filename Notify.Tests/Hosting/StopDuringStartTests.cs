using Notify.Engine;
using Notify.Storage;
using Notify.Tests.Fixtures;
using Npgsql;

namespace Notify.Tests.Hosting;

/// <summary>SIGTERM before the service is there: a rollout that is taken back, or a stop just after the start.</summary>
public class StopDuringStartTests(PostgresCluster postgres)
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task At_any_moment_it_ends_quietly_with_0(bool databaseIsAway)
    {
        // Twelve moments from the first on which the process listens for the signal, all within a usual start.
        for (var moment = 0; moment < 12; moment++)
        {
            using var folder = new TempFolder();
            var storage = databaseIsAway ? "--ConnectionStrings:Postgres=Host=127.0.0.1;Port=1;Database=x;Username=x"
                : $"--Notify:Storage:SqlitePath={folder.File("n.db")}";
            await using var server = Start(folder, "--Urls=http://127.0.0.1:0", storage);
            await Eventually.TrueAsync(() => ListensForTerm(server), "the process takes the signal", Limit);
            await Task.Delay(TimeSpan.FromMilliseconds(100 * moment), TimeProvider.System, Cancel);
            await EndsQuietlyAsync(server, $"at moment {moment}");
        }
    }

    [Theory]
    [InlineData("--Urls=http://127.0.0.1:0", "CREATE SCHEMA notify", false)] // the very first thing that is made
    [InlineData("--Urls=http://127.0.0.1:0", "LOCK TABLE notify.log_head", true)]
    [InlineData("new-epoch", "LOCK TABLE notify.log_head", true)]
    public async Task While_its_work_on_the_database_waits_it_ends_quietly_with_0(string word, string obstacle, bool exists)
    {
        var database = await postgres.CreateDatabaseAsync();
        if (exists) await (await LogStore.OpenAsync(new StorageOptions { Postgres = postgres.ConnectionString(database) }, Cancel)).DisposeAsync();
        await using var connection = await postgres.ConnectAsync(database);
        await using var other = await connection.BeginTransactionAsync(Cancel);
        await using (var command = new NpgsqlCommand(obstacle, connection)) await command.ExecuteNonQueryAsync(Cancel);

        using var folder = new TempFolder();
        await using var server = Start(folder, word, $"--ConnectionStrings:Postgres={postgres.ConnectionString(database)}");
        await Eventually.TrueAsync(() => WaitsForALockAsync(database), "its work on the database waits", Limit);
        await EndsQuietlyAsync(server, "while it waits");
        await Eventually.TrueAsync(async () => !await WaitsForALockAsync(database), "nothing of it waits on at the database", Limit);
    }

    [Fact]
    public async Task While_new_epoch_waits_for_its_database_it_ends_quietly_with_0()
    {
        await using var silent = new SilentServer();
        using var folder = new TempFolder();
        await using var command = Start(folder, "new-epoch", $"--ConnectionStrings:Postgres=Host=127.0.0.1;Port={silent.Port};Database=x;Username=x");
        await silent.Asked.WaitAsync(Limit, Cancel);
        await EndsQuietlyAsync(command, "while it waits");
    }

    [Fact]
    public async Task A_part_whose_start_is_cancelled_runs_until_it_is_stopped()
    {
        using var part = new Part();
        await part.StartAsync(new CancellationToken(canceled: true));
        await part.Running.WaitAsync(Limit, Cancel);
        Assert.False(part.ExecuteTask!.IsCompleted);
        await part.StopAsync(Cancel);
        Assert.True(part.ExecuteTask.IsCanceled);
    }

    private static async Task EndsQuietlyAsync(ChildProcess process, string when)
    {
        if (!process.HasExited) await process.SignalAsync("TERM");
        await process.WaitForExitAsync(Limit);
        Assert.True(process.ExitCode == 0, $"exit code {process.ExitCode} {when}: {string.Join('\n', process.Lines.TakeLast(20))}");
        Assert.DoesNotContain(process.Lines, line => line.Contains("xception", StringComparison.Ordinal) || line.StartsWith("fail:", StringComparison.Ordinal)
            || line.StartsWith("crit:", StringComparison.Ordinal));
    }

    // The library of the host is loaded: that is the program's next step after it has begun to listen. Before its first line nothing of it
    // can, and the runtime's thread for signals is there a moment before the signal is taken.
    private static bool ListensForTerm(ChildProcess process) =>
        File.ReadAllText($"/proc/{process.Pid}/maps").Contains("/Microsoft.AspNetCore.dll", StringComparison.Ordinal);

    private async Task<bool> WaitsForALockAsync(string database) =>
        await postgres.ScalarAsync<long>("postgres", $"SELECT count(*) FROM pg_stat_activity WHERE datname = '{database}' AND wait_event_type = 'Lock'") > 0;

    private static ChildProcess Start(TempFolder folder, params string[] arguments) =>
        ChildProcess.Start("dotnet", [Repository.ServerDll, .. arguments], folder.Path, new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            ["ASPNETCORE_URLS"] = null,
        });

    private sealed class Part : NodeService
    {
        private readonly TaskCompletionSource _running = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Running => _running.Task;

        protected override Task ExecuteAsync(CancellationToken stoppingToken)
        {
            _running.SetResult();
            return Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, stoppingToken);
        }
    }
}
