using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

public class CrashOnPostgresTests(PostgresCluster postgres)
{
    [Fact]
    public async Task Nothing_acknowledged_is_missing_after_kill_9_while_publishing_on_Postgres()
    {
        var database = await postgres.CreateDatabaseAsync();
        await using var server = await ServerProcess.StartAsync(("ConnectionStrings:Postgres", postgres.ConnectionString(database)));
        await CrashScenario.RunAsync(server, kills: 3);
    }
}
