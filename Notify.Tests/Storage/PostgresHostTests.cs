using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Notify.Storage;
using Notify.Storage.Log;
using Notify.Storage.Postgres;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Storage;

/// <summary>Every form in which a connection string names its server, for everything that connects.</summary>
public sealed class PostgresHostTests(PostgresHostTests.Listening at) : IClassFixture<PostgresHostTests.Listening>
{
    private const string Service = """
        # a comment
        [another]
        host=nowhere

        [notify-of-the-test]
        host={socket}
        port={port}
        dbname={database}
        user=notify
        connect_timeout=4
        """;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Host={socket};Port={port};Username=notify;Database={database}")]
    [InlineData("Host=::1;Port={port};Username=notify;Database={database}")]
    [InlineData("Host=[::1]:{port};Username=notify;Database={database}")]
    [InlineData("Host=localhost;Port={port};Username=notify;Database={database}")]
    [InlineData("Host=127.0.0.1:{port};Username=notify;Database={database};Target Session Attributes=read-write")]
    [InlineData("Host=127.0.0.1:{closed},127.0.0.1:{port};Username=notify;Database={database}")]
    [InlineData("Host=127.0.0.1,::1;Port={port};Username=notify;Database={database};Target Session Attributes=any;Load Balance Hosts=true")]
    [InlineData("Host={socket}/none,{socket},127.0.0.1;Port={port};Username=notify;Database={database};Target Session Attributes=prefer-standby")]
    [InlineData("Service=notify-of-the-test")]
    [InlineData("Service=notify-of-the-test;Host=127.0.0.1:{closed},::1;Timeout=3")]
    public async Task A_node_works_over(string form)
    {
        var database = await at.Cluster.CreateDatabaseAsync();
        var postgres = at.Filled(form, database);
        var services = at.Folder.File("services");
        await File.WriteAllTextAsync(services, at.Filled(Service, database), Stop);
        Environment.SetEnvironmentVariable("PGSERVICEFILE", services); // of the test's process: nobody else in it reads one

        await using var log = await LogStore.OpenAsync(new() { Postgres = postgres }, Stop);
        var entry = new NewEntry { Id = Guid.CreateVersion7(), Topic = "a", Content = "{}"u8.ToArray() };
        Assert.Equal(1, Assert.Single((await log.AppendAsync(new(Guid.NewGuid(), [entry]), Stop)).Stored).Version);
        Assert.Equal(1, (await log.SweepAsync(TimeSpan.FromDays(1), Stop)).Head);

        await using var channel = new PostgresChannel(postgres);
        var heard = new TaskCompletionSource<string>();
        var listening = new TaskCompletionSource();
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Stop);
        var loop = channel.ListenAsync(text => heard.TrySetResult(text), listening.SetResult, stop.Token);
        await await Task.WhenAny(listening.Task, loop).WaitAsync(TimeSpan.FromSeconds(30), Stop);
        await channel.SendAsync(["hint"], Stop);
        Assert.Equal("hint", await heard.Task.WaitAsync(TimeSpan.FromSeconds(30), Stop));
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => loop);
    }

    [Theory]
    [InlineData("Host=127.0.0.1;Port={closed};Username=x;Database=x", "Connection refused")]
    [InlineData("Host={socket}/none;Port={port};Username=x;Database=x", "{socket}/none")]
    [InlineData("Host=127.0.0.1:{closed},{socket}/none;Username=x;Database=x", "Connection refused")]
    public async Task A_server_that_is_away_is_told_with_the_innermost_cause_once(string form, string cause)
    {
        var error = await Assert.ThrowsAsync<StorageUnavailableException>(() => LogStore.OpenAsync(new() { Postgres = at.Filled(form, "x") }, Stop));
        Assert.Equal(2, error.Message.Split(at.Filled(cause, "x")).Length);
        Assert.DoesNotContain("inner exception", error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("Service=nobody-has-this", "names the service 'nobody-has-this'")]
    [InlineData("Host=127.0.0.1;Port={port};Username=notify;Database=postgres;SSL Mode=Require", "TLS")]
    [InlineData("Host=127.0.0.1:{port},::1;Port={port};Username=notify;Database=nowhere", "'nowhere', which does not exist")]
    [InlineData("Host={socket};Port={port};Username=nobody;Database=postgres", "'nobody'")]
    [InlineData("Host={socket};Port={port};Username=notify;Database=postgres;Options=-c colour=red", "colour")]
    public async Task What_waiting_does_not_mend_stops_the_start(string form, string expected)
    {
        var error = await Assert.ThrowsAsync<StorageMisconfiguredException>(() => LogStore.OpenAsync(new() { Postgres = at.Filled(form, "x") }, Stop));
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        Assert.StartsWith("ConnectionStrings:Postgres", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_certificate_that_is_not_trusted_stops_the_start()
    {
        using var folder = new TempFolder();
        using var key = ECDsa.Create();
        using var certificate = new CertificateRequest("CN=elsewhere", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        await File.WriteAllTextAsync(folder.File("key.pem"), key.ExportPkcs8PrivateKeyPem(), Stop);
        await File.WriteAllTextAsync(folder.File("certificate.pem"), certificate.ExportCertificatePem(), Stop);
        await PostgresCluster.OwnAsync(folder.Path);
        await ModeAsync("600", folder.File("key.pem"));
        await using var cluster = new PostgresCluster
        {
            Settings = ["fsync=off", "ssl=on", $"ssl_cert_file={folder.File("certificate.pem")}", $"ssl_key_file={folder.File("key.pem")}"],
        };
        var postgres = cluster.ConnectionString(await cluster.CreateDatabaseAsync());
        foreach (var (mode, expected) in new[]
        {
            ("VerifyFull", "certificate"), ("VerifyFull;Root Certificate=/none/there.pem", "/none/there.pem"),
        })
        {
            var error = await Assert.ThrowsAsync<StorageMisconfiguredException>(
                () => LogStore.OpenAsync(new() { Postgres = $"{postgres};SSL Mode={mode}" }, Stop));
            Assert.Contains(expected, error.Message, StringComparison.Ordinal);
        }

        await using var log = await LogStore.OpenAsync(new() { Postgres = $"{postgres};SSL Mode=Require" }, Stop);
    }

    [Fact]
    public async Task Of_several_hosts_the_primary_is_found_and_after_a_failover_the_new_one()
    {
        await using var primary = new PostgresCluster();
        var database = await primary.CreateDatabaseAsync();
        await using (await LogStore.OpenAsync(new() { Postgres = primary.ConnectionString(database) }, Stop))
        {
        }

        await using var standby = await primary.StartStandbyAsync();
        await using var log = await LogStore.OpenAsync(
            new() { Postgres = $"Host=127.0.0.1:{standby.Port},127.0.0.1:{primary.Port};Database={database};Username=notify" }, Stop);
        var before = await log.AppendAsync(Batch(), Stop);
        await primary.StopAsync(immediate: true);
        Assert.True(await standby.ScalarAsync<bool>("postgres", "SELECT pg_promote()"));
        var after = await Eventually.SucceedsAsync<AppendResult, Exception>(() => log.AppendAsync(Batch(), Stop), "the promoted standby takes the append");
        Assert.NotEqual(before.Epoch, after.Epoch);
    }

    private static Task<IReadOnlyList<string>> ModeAsync(string mode, string path) =>
        ChildProcess.RunAsync("chmod", [mode, path], Path.GetTempPath(), TimeSpan.FromSeconds(30));

    private static AppendBatch Batch() => new(Guid.NewGuid(), [new NewEntry { Id = Guid.CreateVersion7(), Topic = "a", Content = "{}"u8.ToArray() }]);

    /// <summary>A server on both loopbacks and on a Unix socket.</summary>
    public sealed class Listening : IAsyncLifetime
    {
        internal TempFolder Folder { get; } = new();

        public PostgresCluster Cluster { get; private set; } = null!;

        private ReservedPort Closed { get; } = new();

        public async ValueTask InitializeAsync()
        {
            await ModeAsync("777", Folder.Path); // the server is another user
            Cluster = new PostgresCluster
            {
                Settings = ["fsync=off", "full_page_writes=off", $"unix_socket_directories={Folder.Path}", "listen_addresses=127.0.0.1,::1"],
            };
            await Cluster.StartAsync();
        }

        public async ValueTask DisposeAsync()
        {
            await Cluster.DisposeAsync();
            Folder.Dispose();
            Closed.Dispose();
        }

        public string Filled(string form, string database) => form
            .Replace("{socket}", Folder.Path, StringComparison.Ordinal)
            .Replace("{port}", $"{Cluster.Port}", StringComparison.Ordinal)
            .Replace("{closed}", $"{Closed}", StringComparison.Ordinal)
            .Replace("{database}", database, StringComparison.Ordinal);
    }
}
