using System.Text.Json;
using Notify.Client;
using Notify.Contracts.Publishing;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary><c>examples/native</c>, compiled ahead of time: <c>NOTIFY_NATIVE=long</c>. It takes minutes, a linker and the compiler's package.</summary>
public sealed class NativeExampleTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Fact]
    public async Task A_native_program_follows_and_reads_data()
    {
        Assert.SkipUnless(Environment.GetEnvironmentVariable("NOTIFY_NATIVE") == "long",
            "Only with NOTIFY_NATIVE=long; the build has run the analyzers for native compilation.");
        using var folder = new TempFolder();
        var published = await ChildProcess.RunAsync("dotnet",
            ["publish", "examples/native", "-c", "Release", "-p:Native=true", "--use-current-runtime", "-o", folder.File("out"), "-v", "m", "-nologo"],
            Repository.Root, TimeSpan.FromMinutes(10), PackedPackages.NoBuildServers);
        Assert.DoesNotContain(published, line => line.Contains(": warning ", StringComparison.Ordinal));
        Assert.False(File.Exists(folder.File("out/notify-follow.dll")), "it is native");

        await using var follower = ChildProcess.Start(folder.File("out/notify-follow"), ["orders/#"], folder.Path,
            new Dictionary<string, string?> { ["NOTIFY_URL"] = fixture.Url.GetLeftPart(UriPartial.Authority), ["DOTNET_ROOT"] = "/nowhere" });
        await follower.WaitForLineAsync(line => line == "-- live", TimeSpan.FromSeconds(60));
        var data = JsonSerializer.SerializeToElement(new { id = 42, total = 31.5 });
        await new NotifyPublisher(fixture.Server.Http).PublishAsync(
            new PublishRequest { Topic = "orders/42/paid", Title = "Order 42 is paid", Data = data }, TestContext.Current.CancellationToken);
        await follower.WaitForLineAsync(line => line == "order 42 over 31.5", TimeSpan.FromSeconds(60));
        await follower.WaitForLineAsync(line => line.EndsWith(" orders/42/paid: Order 42 is paid", StringComparison.Ordinal), TimeSpan.FromSeconds(60));
    }
}
