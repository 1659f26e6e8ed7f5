using System.Collections.Concurrent;
using Notify.Client;
using Notify.Contracts.Publishing;
using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

/// <summary>kill -9 in the middle of publishing, on any storage: nothing acknowledged may be missing afterwards.</summary>
internal static class CrashScenario
{
    private const int Publishers = 4;

    public static async Task RunAsync(ServerProcess server, int kills)
    {
        var acked = new ConcurrentDictionary<string, PublishResult>();
        using var stop = new CancellationTokenSource();
        await using var follower = new NotifyClient(new NotifyClientOptions
        {
            Url = server.Url,
            Topics = ["crash/#"],
            CursorStore = new MemoryCursorStore(),
            MaxReconnectDelay = TimeSpan.FromMilliseconds(500),
        });
        await follower.StartAsync();
        var received = new Observed<long>();
        var reading = ReadAsync(follower, received);
        var publishing = Enumerable.Range(0, Publishers).Select(p => PublishAsync(server, p, acked, stop.Token)).ToList();

        for (var kill = 1; kill <= kills; kill++)
        {
            var enough = acked.Count + 200;
            await received.UntilAsync(items => items.Count >= enough - 150, TimeSpan.FromSeconds(60));
            await server.RestartAsync(); // SIGKILL, then the same port and data
        }

        await received.UntilAsync(items => items.Count >= acked.Count, TimeSpan.FromSeconds(60));
        await stop.CancelAsync();
        await Task.WhenAll(publishing);

        var stored = await server.ReadAllAsync("crash/#");
        Assert.Equal(acked.Count, acked.Values.Select(a => a.Version).Distinct().Count());
        var byBody = stored.ToDictionary(n => n.Body!); // throws when one was stored twice
        Assert.All(acked, a => Assert.Equal((a.Value.Version, a.Value.Id.ToString()), (byBody[a.Key].Version, byBody[a.Key].Id)));
        Assert.Equal(acked.Count, stored.Count); // each publisher went on until its last one was acknowledged

        await received.CountAsync(stored.Count);
        await follower.StopAsync();
        await reading;
        Assert.Equal(stored.Select(n => n.Version!.Value), received.Items);
        Assert.Equal(0, follower.DuplicatesDropped);
    }

    private static async Task ReadAsync(NotifyClient follower, Observed<long> received)
    {
        await foreach (var notification in follower.Notifications) received.Add(notification.Version!.Value);
    }

    private static async Task PublishAsync(
        ServerProcess server, int publisher, ConcurrentDictionary<string, PublishResult> acked, CancellationToken stop)
    {
        // Tries as often as the restarts ask for, always under one key for one notification.
        var notify = new NotifyPublisher(server.Http, new NotifyPublisherOptions { MaxAttempts = 200, MaxDelay = TimeSpan.FromMilliseconds(500) });
        for (var i = 0; !stop.IsCancellationRequested; i++)
        {
            var body = $"{publisher}/{i}";
            acked[body] = await notify.PublishAsync(new PublishRequest { Topic = $"crash/{publisher}", Body = body }, CancellationToken.None);
        }
    }
}
