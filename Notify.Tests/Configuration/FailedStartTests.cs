using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Configuration;
using Notify.Server.Configuration;
using Notify.Storage;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Configuration;

public class FailedStartTests
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    [Theory]
    [InlineData("Production", "--urls=http://127.0.0.1:0", "Notify:Auth:AllowAnonymous")]
    [InlineData("Development", "--urls=http://0.0.0.0:0", "this machine only")]
    [InlineData("Development", "--urls=nonsense", "must be addresses such as")]
    [InlineData("Development", "--Notify:Limits:BatchSize=0", "Notify:Limits:BatchSize")]
    [InlineData("Development", "--Notify:Limit:BatchSize=1", "Did you mean Notify:Limits:BatchSize?")]
    [InlineData("Development", "--ConnectionStrings:Redis=localhost:6379", "belongs to one process")]
    [InlineData("Development", "--ConnectionStrings:Redis=localhost,colour=red", "ConnectionStrings:Redis cannot be read")]
    [InlineData("Development", "--ConnectionStrings:Redis=,", "ConnectionStrings:Redis cannot be read")]
    [InlineData("Development", "--Notify:Auth:SigningKey=short", "at least 32 bytes")]
    [InlineData("Development", "--ConnectionStrings:Postgre=Host=db;Database=notify", "Did you mean ConnectionStrings:Postgres?")]
    [InlineData("Development", "--ConnectionStrings:PostgreSQL=Host=db;Database=notify", "Did you mean ConnectionStrings:Postgres?")]
    [InlineData("Development", "--Notify=true", "The setting Notify is not a value")]
    [InlineData("Development", "--Logging:LogLevel:Default=loud", "Levels are Trace")]
    [InlineData("Development", "newepoch", "There is no command 'newepoch'")]
    [InlineData("Development", "--urls=http://127.0.0.1:0/notify", "must be without a path")]
    [InlineData("Development", "--Kestrel:Endpoints:Own:Url=http://127.0.0.1:0/notify", "must be without a path")]
    [InlineData("Development", "--ConnectionStrings:Postgres=", "ConnectionStrings:Postgres is empty")]
    [InlineData("Development", "--ConnectionStrings:Redis= ", "ConnectionStrings:Redis is empty")]
    [InlineData("Development", "--port 6000", "The setting port is unknown. Where to listen is --Urls=")]
    [InlineData("Development", "--Colour=red", "The setting Colour is unknown")]
    [InlineData("Development", "Colour=red", "The setting Colour is unknown")]
    [InlineData("Development", "-p 6000", "'-p' is no setting")]
    [InlineData("Development", "-x=1", "There is no option '-x'")]
    [InlineData("Development", "--url=http://127.0.0.1:0", "Did you mean Urls?")]
    [InlineData("Development", "--Limits:BatchSize=10", "Did you mean Notify:Limits:BatchSize?")]
    [InlineData("Development", "--urls=http://127.0.0.1:0 now", "'now' is no setting")]
    [InlineData("Development", "new-epoch now", "'now' is no setting")]
    [InlineData("Development", "move-schema now", "'now' is no setting")]
    [InlineData("Development", "--Notify:Auth:AllowAnonymous", "has no value")]
    [InlineData("Development", "--Notify:Auth:AllowAnonymous --urls=http://127.0.0.1:0", "has no value")]
    [InlineData("Development", "--Logging:Console:FormatterName=jsno", "simple, json or systemd")]
    [InlineData("Development", "--OTEL_EXPORTER_OTLP_ENDPOINT=collector:4317", "http://localhost:4317")]
    [InlineData("Development", "--OTEL_EXPORTER_OTLP_TRACES_ENDPOINT=http://", "http://localhost:4317")]
    [InlineData("Development", "--OTEL_EXPORTER_OTLP_PROTOCOL=http", "grpc or http/protobuf")]
    [InlineData("Development", "--OTEL_EXPORTER_OTLP_TIMEOUT=10s", "milliseconds")]
    [InlineData("Development", "--Notify:Limits:Connections=2000000000", "Notify:Limits:Connections")]
    public async Task A_mistaken_setting_ends_the_start_with_one_sentence_and_exit_code_1(string environment, string argument, string expected)
    {
        using var folder = new TempFolder();
        await using var server = Start(folder, environment, argument.EndsWith(' ') ? [argument] : argument.Split(' '));
        await server.WaitForExitAsync(Limit);
        Assert.Equal(1, server.ExitCode);
        Assert.Contains(expected, Assert.Single(server.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Notify_Retention_MaxAge", "Did you mean Notify__Retention__MaxAge?")]
    [InlineData("NOTIFY.RETENTION.MAXAGE", "Did you mean Notify__Retention__MaxAge?")]
    [InlineData("Notify__Retention__MaxAg", "Did you mean Notify__Retention__MaxAge?")]
    [InlineData("Notfy__Retention__MaxAge", "Did you mean Notify?")]
    [InlineData("ConnectionStrings_Postgres", "Did you mean ConnectionStrings__Postgres?")]
    [InlineData("ConnectionString__Postgres", "Did you mean ConnectionStrings?")]
    [InlineData("ASPNETCORE_URL", "Did you mean ASPNETCORE_URLS?")]
    [InlineData("OTEL_EXPORTER_OTLP_ENDPOINTS", "Did you mean OTEL_EXPORTER_OTLP_ENDPOINT?")]
    public async Task A_variable_that_nothing_reads_ends_the_start_with_one_sentence(string variable, string expected)
    {
        using var folder = new TempFolder();
        await using var server = ChildProcess.Start("dotnet", [Repository.ServerDll, "--urls=http://127.0.0.1:0"], folder.Path, new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = "Development",
            [variable] = "1.00:00:00",
        });
        await server.WaitForExitAsync(Limit);
        Assert.Equal(1, server.ExitCode);
        Assert.Contains(expected, Assert.Single(server.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("ASPNETCORE_HTTPS_PORT")] // ASP.NET's own
    [InlineData("NOTIFY_SERVICE_HOST")] // a cluster's, for a service of this name
    [InlineData("NOTIFY_PORT")]
    [InlineData("NOTIFY_URL")] // a client's
    [InlineData("URL")]
    [InlineData("OTEL_EXPORTER_OTLP_LOGS_ENDPOINT")]
    public void A_variable_that_is_meant_for_others_is_none_of_ours(string variable) => ProcessSettings.Check(new ConfigurationBuilder().Build(), [variable]);

    [Theory]
    [InlineData("--version", @"^\d+\.\d+\.\d+")]
    [InlineData("--help=1", "^Notify, a self-hosted")]
    public async Task A_question_is_answered_and_nothing_started(string argument, string answer)
    {
        using var folder = new TempFolder();
        await using var process = Start(folder, "Production", argument);
        await process.WaitForExitAsync(Limit);
        Assert.Equal(0, process.ExitCode);
        Assert.Matches(answer, process.Lines[0]);
        Assert.DoesNotContain(process.Lines, line => line.Contains("listening", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("--ConnectionStrings:Postgres=nonsense", "ConnectionStrings:Postgres")]
    [InlineData("--Notify:Storage:SqlitePath=/proc/none/notify.db", "Notify:Storage:SqlitePath")]
    [InlineData("--Urls=https://127.0.0.1:0", "Kestrel:Certificates:Default")]
    [InlineData("--Kestrel:Certificates:Default:Path=/none/there.pfx", "the path '/none/there.pfx'. A setting names it")]
    [InlineData("--Urls=http://192.0.2.1:5080", "an address of this machine", "Production")]
    public async Task What_cannot_be_opened_ends_the_start_with_one_sentence_after_the_log(string argument, string expected, string environment = "Development")
    {
        using var folder = new TempFolder();
        await using var server = Start(folder, environment, argument, "--Notify:Auth:AllowAnonymous=true");
        await server.WaitForExitAsync(Limit);
        Assert.Equal(1, server.ExitCode);
        Assert.Contains(expected, server.Lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(server.Lines, line => line.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_address_in_use_is_one_sentence()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        using var folder = new TempFolder();
        await using var server = Start(folder, "Development", $"--urls=http://{taken.LocalEndpoint}");
        await server.WaitForExitAsync(Limit);
        Assert.Equal(1, server.ExitCode);
        Assert.Contains("choose another address with Urls", server.Lines[^1], StringComparison.Ordinal);
        Assert.DoesNotContain(server.Lines, line => line.Contains("   at ", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_settings_file_that_is_not_JSON_is_named()
    {
        using var folder = new TempFolder();
        await File.WriteAllTextAsync(folder.File("appsettings.json"), "{ \"Notify\": {", TestContext.Current.CancellationToken);
        await using var server = Start(folder, "Development", "--urls=http://127.0.0.1:0");
        await server.WaitForExitAsync(Limit);
        Assert.Equal(1, server.ExitCode);
        Assert.Contains("appsettings.json", Assert.Single(server.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_new_epoch_prints_the_new_epoch_and_names_what_it_changed()
    {
        using var folder = new TempFolder();
        var options = new StorageOptions { SqlitePath = folder.File("data/notify.db") };
        var epochs = new HashSet<Guid>();
        for (var i = 0; i < 2; i++)
        {
            await using (var log = await LogStore.OpenAsync(options, TestContext.Current.CancellationToken))
                epochs.Add((await log.ReadHeadAsync(TestContext.Current.CancellationToken)).Epoch);
            await using var command = Start(folder, "Development", "new-epoch");
            await command.WaitForExitAsync(Limit);
            Assert.Equal(0, command.ExitCode);
            Assert.Equal(2, command.Lines.Count);
            Assert.Contains(command.Lines, line => line.Contains(options.SqlitePath, StringComparison.Ordinal));
            Assert.True(epochs.Add(Assert.Single(command.Lines, line => Guid.TryParse(line, out _)) is { } epoch ? Guid.Parse(epoch) : default));
        }
    }

    [Theory]
    [InlineData("new-epoch", "nothing was made")]
    [InlineData("move-schema", "nothing to move")]
    public async Task A_command_without_the_services_settings_makes_nothing_and_fails(string name, string expected)
    {
        using var folder = new TempFolder();
        await using var command = Start(folder, "Development", name);
        await command.WaitForExitAsync(Limit);
        Assert.Equal(1, command.ExitCode);
        Assert.Contains(expected, Assert.Single(command.Lines), StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public async Task Asked_for_help_it_names_its_commands_and_every_setting_and_starts_nothing()
    {
        using var folder = new TempFolder();
        await using var help = Start(folder, "Production", "--help");
        await help.WaitForExitAsync(Limit);
        Assert.Equal(0, help.ExitCode);
        Assert.Contains(help.Lines, line => line.Contains(" new-epoch ", StringComparison.Ordinal));
        var file = new ConfigurationBuilder().AddJsonFile(Path.Combine(Repository.Root, "appsettings.json")).Build();
        var inFile = file.GetSection("Notify").AsEnumerable().Where(setting => !string.IsNullOrEmpty(setting.Value)).Select(setting => setting.Key).ToArray();
        Assert.NotEmpty(inFile);
        Assert.All(inFile, key => Assert.Contains(help.Lines, line => line.StartsWith($"  {key} ", StringComparison.Ordinal)));
        Assert.DoesNotContain(help.Lines, line => line.Contains("listening", StringComparison.Ordinal));
        Assert.Contains(help.Lines, line => line.StartsWith("  Notify:Auth:SigningKey ", StringComparison.Ordinal)); // which no file holds
    }

    private static ChildProcess Start(TempFolder folder, string environment, params string[] arguments) =>
        ChildProcess.Start("dotnet", [Repository.ServerDll, .. arguments], folder.Path, new Dictionary<string, string?>
        {
            ["ASPNETCORE_ENVIRONMENT"] = environment,
            ["ASPNETCORE_URLS"] = null,
            ["HOME"] = folder.Path, // where a developer's certificate would be
        });
}
