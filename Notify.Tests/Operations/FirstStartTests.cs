using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>A new installation starts as fast, and with as little memory, as one that is there.</summary>
public class FirstStartTests(PostgresCluster cluster)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_first_start_does_not_load_EF(bool onPostgres)
    {
        (string, string)[] storage = onPostgres ? [("ConnectionStrings:Postgres", cluster.ConnectionString(await cluster.CreateDatabaseAsync()))] : [];
        await using var server = await ServerProcess.StartAsync(storage);
        var loaded = await File.ReadAllTextAsync($"/proc/{server.Pid}/maps", TestContext.Current.CancellationToken);
        Assert.Contains("Notify.Storage.dll", loaded, StringComparison.Ordinal);
        Assert.DoesNotContain("EntityFrameworkCore", loaded, StringComparison.Ordinal);
    }
}
