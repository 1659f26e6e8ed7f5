using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

public class CrashOnSqliteTests
{
    [Fact]
    public async Task Nothing_acknowledged_is_missing_after_kill_9_while_publishing_on_SQLite()
    {
        await using var server = await ServerProcess.StartAsync();
        await CrashScenario.RunAsync(server, kills: 3);
    }
}
