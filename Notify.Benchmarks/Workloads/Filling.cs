using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>A log with something in it.</summary>
internal static class Filling
{
    public const int Batch = 1000;

    public static async Task PublishAsync(RunningServer server, int count, int topics)
    {
        await using var publishers = await Publishers.StartAsync(new PublisherOptions
        {
            Peer = PeerKind.Notify,
            Port = server.Port,
            Connections = 4,
            Topics = topics,
            By = PublishBy.Batch,
            Batch = Batch,
        });
        var published = await publishers.RunCountAsync(count);
        if (published.Acked != count) throw new InvalidOperationException($"{published.Acked} of {count} were stored: {published.Problems}");
    }
}
