using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>A new installation starts as fast, and with as little memory, as one that is there.</summary>
public class FirstStartTests(PostgresCluster cluster)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_first_start_loads_neither_EF_nor_what_no_setting_and_no_request_asks_for(bool onPostgres)
    {
        (string, string)[] storage = onPostgres ? [("ConnectionStrings:Postgres", cluster.ConnectionString(await cluster.CreateDatabaseAsync()))] : [];
        await using var server = await ServerProcess.StartAsync(storage);
        var loaded = await File.ReadAllTextAsync($"/proc/{server.Pid}/maps", TestContext.Current.CancellationToken);
        Assert.Contains("Notify.Storage.dll", loaded, StringComparison.Ordinal);
        Assert.All(["EntityFrameworkCore", "Microsoft.OpenApi", "Microsoft.IdentityModel", "Server.IIS", "System.Net.Quic", "Linq.Expressions"], library =>
            Assert.DoesNotContain(library, loaded, StringComparison.Ordinal));
        if (!onPostgres) Assert.DoesNotContain("libcrypto", loaded, StringComparison.Ordinal); // Postgres may ask for a password
    }
}
