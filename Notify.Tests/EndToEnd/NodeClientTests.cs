using System.Text.Json;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>The stock @microsoft/signalr client, with nothing of ours but the contract's twenty lines.</summary>
public class NodeClientTests(ServerFixture fixture) : IClassFixture<ServerFixture>
{
    [Theory]
    [InlineData("json")]
    [InlineData("messagepack")]
    public async Task The_stock_JavaScript_client_gets_live_ones_and_on_return_exactly_what_it_missed(string protocol)
    {
        var server = fixture.Server;
        var url = server.Url.ToString().TrimEnd('/');
        var topic = $"node/{protocol}";
        List<long> versions = [];
        JsonElement place;

        await using (var first = await NodeScript.StartAsync("follow.mjs", url, protocol, $"{topic}/#"))
        {
            place = (await first.WaitForAsync("caughtUp")).GetProperty("caughtUp");
            versions.Add(await server.PublishAsync($"{topic}/a", "live ✓"));
            var live = (await first.WaitForAsync("notification")).GetProperty("notification");
            Assert.Equal("live ✓", live.GetProperty("body").GetString());
            Assert.Equal(versions[0], live.GetProperty("version").GetInt64());
            Assert.False(live.TryGetProperty("title", out _)); // absent, not null
            await first.KillAsync();
        }

        for (var i = 0; i < 100; i++) versions.Add(await server.PublishAsync($"{topic}/a", $"missed {i}"));
        await using var second = await NodeScript.StartAsync(
            "follow.mjs", url, protocol, $"{topic}/#", $"{versions[0]}", place.GetProperty("epoch").GetString()!);
        await second.WaitForAsync("caughtUp");
        Assert.Equal(versions.Skip(1), Versions(second));
        versions.Add(await server.PublishAsync($"{topic}/a", "live again"));
        await second.WaitForAsync("notification", n => n.GetProperty("body").GetString() == "live again");
        Assert.Equal(versions.Skip(1), Versions(second));
    }

    // A crash closes the socket without a word; a stop closes it in good order. The stock client must survive both.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task The_stock_JavaScript_client_comes_back_by_itself_after_the_server_was_restarted(bool orderly)
    {
        await using var server = await ServerProcess.StartAsync();
        await using var script = await NodeScript.StartAsync("follow.mjs", server.Url.ToString().TrimEnd('/'), "json", "#");
        await script.WaitForAsync("caughtUp");
        var first = await server.PublishAsync("restart/a", "before");
        await script.WaitForAsync("notification");

        if (orderly) await server.TerminateAsync();
        else await server.KillAsync();
        await script.WaitForAsync("reconnecting");
        await server.RestartAsync();
        var second = await server.PublishAsync("restart/a", "after");
        await script.WaitForAsync("notification", n => n.GetProperty("body").GetString() == "after");
        Assert.Equal([first, second], Versions(script));
    }

    private static IEnumerable<long> Versions(NodeScript script) =>
        from o in script.Objects
        where o.TryGetProperty("notification", out _)
        select o.GetProperty("notification").GetProperty("version").GetInt64();
}
