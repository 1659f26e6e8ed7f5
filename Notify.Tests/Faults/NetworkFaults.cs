namespace Notify.Tests.Faults;

/// <summary>What happens between the parts. The proxies do it: it needs no privilege, and hits nobody else.</summary>
internal static class NetworkFaults
{
    public static IReadOnlyList<Fault> All { get; } =
    [
        new("clients cut", CutAsync),
        new("clients half-open", HalfOpenAsync),
        new("client network stalled", StallAsync),
        new("client network swallows everything", SwallowAsync),
        new("client network slow", SlowAsync),
        new("Postgres far from a node", FarAsync),
        new("Postgres out of a node's reach", OutOfReachAsync),
        new("answers of Postgres lost", LoseAnswersAsync),
    ];

    private static async Task CutAsync(Ground ground)
    {
        for (var i = 0; i < FaultForm.Seconds(5, 15); i++)
        {
            ground.AnyNode.Front.Reset();
            await ground.LastsAsync(ground.Random.NextDouble() * 0.3);
        }
    }

    private static async Task HalfOpenAsync(Ground ground)
    {
        foreach (var node in ground.Stage.Nodes)
        {
            node.Front.HalfOpen();
            await ground.AckedMoreAsync(20);
        }
    }

    private static async Task StallAsync(Ground ground)
    {
        var front = ground.AnyNode.Front;
        front.Stall();
        await ground.LastsAsync(FaultForm.Seconds(2, 5));
        front.Release();
    }

    private static async Task SwallowAsync(Ground ground)
    {
        var front = ground.AnyNode.Front;
        front.Blackhole = true;
        await ground.LastsAsync(FaultForm.Seconds(2, 5));
        front.Blackhole = false;
        front.Reset(); // bytes are missing in the middle: nobody could make sense of the rest
    }

    private static async Task SlowAsync(Ground ground)
    {
        foreach (var node in ground.Stage.Nodes)
            (node.Front.Delay, node.Front.BytesPerSecond) = (TimeSpan.FromMilliseconds(ground.Random.Next(20, 120)), 64_000);
        await ground.LastsAsync(FaultForm.Seconds(2, 5));
        foreach (var node in ground.Stage.Nodes)
            (node.Front.Delay, node.Front.BytesPerSecond) = (TimeSpan.Zero, 0);
    }

    private static async Task FarAsync(Ground ground)
    {
        var node = ground.AnyNode;
        node.ToPostgres.Delay = TimeSpan.FromMilliseconds(80);
        await ground.LastsAsync(FaultForm.Seconds(2, 5));
        node.ToPostgres.Delay = TimeSpan.Zero;
    }

    private static async Task OutOfReachAsync(Ground ground)
    {
        var node = ground.AnyNode;
        node.ToPostgres.Blackhole = true;
        await ground.LastsAsync(FaultForm.Seconds(2, 12)); // in the long form longer than a command may take
        node.ToPostgres.Blackhole = false;
        node.ToPostgres.Reset();
    }

    // What was asked is done, and the node cannot know it.
    private static async Task LoseAnswersAsync(Ground ground)
    {
        for (var i = 0; i < FaultForm.Seconds(4, 10); i++)
        {
            var proxy = ground.AnyNode.ToPostgres;
            proxy.LoseAnswers = true;
            await ground.LastsAsync(0.05 + ground.Random.NextDouble() * 0.2);
            proxy.Reset();
            proxy.LoseAnswers = false;
            await ground.LastsAsync(0.2);
        }
    }
}
