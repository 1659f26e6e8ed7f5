namespace Notify.Tests.Faults;

/// <summary>What happens to Redis: hints get lost, and nothing else.</summary>
internal static class RedisFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("Redis killed", KillAsync) { OnRedis = true },
        new("Redis FLUSHALL", FlushAsync) { OnRedis = true },
        new("SIGSTOP of Redis", StopAsync) { OnRedis = true },
        new("Redis out of a node's reach", OutOfReachAsync) { OnRedis = true },
        new("Redis slow, and cut again and again", CutAsync) { OnRedis = true },
    ];

    private static async Task KillAsync(Ground ground)
    {
        await ground.Stage.Redis!.KillAsync();
        await ground.LastsAsync(FaultForm.Seconds(2, 5));
        await ground.Stage.Redis.RestartAsync();
    }

    private static async Task FlushAsync(Ground ground)
    {
        for (var i = 0; i < 5; i++)
        {
            await ground.Stage.Redis!.CommandAsync("FLUSHALL");
            await ground.AckedMoreAsync(10);
        }
    }

    private static async Task StopAsync(Ground ground)
    {
        await ground.Stage.Redis!.SignalAsync("STOP");
        try
        {
            await ground.LastsAsync(FaultForm.Seconds(2, 5));
        }
        finally
        {
            await ground.Stage.Redis.SignalAsync("CONT");
        }
    }

    private static async Task OutOfReachAsync(Ground ground)
    {
        var proxy = ground.AnyNode.ToRedis!;
        proxy.Blackhole = true;
        await ground.LastsAsync(FaultForm.Seconds(2, 12));
        proxy.Blackhole = false;
        proxy.Reset();
    }

    // Late hints pass newer ones of other nodes, and some never come.
    private static async Task CutAsync(Ground ground)
    {
        for (var i = 0; i < FaultForm.Seconds(6, 15); i++)
        {
            var proxy = ground.AnyNode.ToRedis!;
            proxy.Delay = TimeSpan.FromMilliseconds(ground.Random.Next(5, 150));
            await ground.LastsAsync(0.3);
            proxy.Reset();
            proxy.Delay = TimeSpan.Zero;
        }
    }
}
