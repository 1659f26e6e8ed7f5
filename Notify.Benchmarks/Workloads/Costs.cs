using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// What one thing costs a server and its Postgres: microseconds of CPU, which bear a disturbed machine better than times
/// do. Checked as everywhere: what does not come once and in order is no figure.
/// </summary>
internal sealed class Costs(WorkloadReport report, string target, RunningServer server, Storage storage, double seconds)
{
    private const double Microseconds = 1e6;

    private double Cpu => CpuClock.OfProcess(server.ProcessId) + storage.CpuSeconds;

    /// <summary>To store one, spread over so many topics.</summary>
    public Task AppendAsync(string figure, int topics, int batch = 1, int firstTopic = 0) => PublishAsync(figure, null, topics, batch, firstTopic);

    /// <summary>To store one and hand it to its one follower.</summary>
    public Task DeliverAsync(string figure, Subscribers followers, int topics, int batch = 1) => PublishAsync(figure, followers, topics, batch, 0);

    /// <summary>To hand over one that was missed; all clients together miss so many.</summary>
    public async Task ReplayAsync(string figure, SubscriberOptions clients, long missed)
    {
        var cpu = Cpu;
        await using var subscribers = await Subscribers.StartAsync(clients);
        cpu = Cpu - cpu;
        var ready = subscribers.Ready;
        if (ready.Problems is not null || ready.Replayed != missed || ready.Missing + ready.Disordered > 0) report.Invalid.Add($"{target}, {figure}: {ready}");
        else report.Add(target, (figure, cpu / missed * Microseconds));
    }

    private async Task PublishAsync(string figure, Subscribers? followers, int topics, int batch, int firstTopic)
    {
        await using var publishers = await Publishers.StartAsync(new PublisherOptions
        {
            Peer = PeerKind.Notify,
            Port = server.Port,
            Connections = batch > 1 ? 8 : 64,
            Topics = topics,
            FirstTopic = firstTopic,
            By = batch > 1 ? PublishBy.Batch : PublishBy.Post,
            Batch = batch,
        });
        await Warming.RunAsync([server.ProcessId], publishers, followers, 1, seconds);
        var cpu = Cpu;
        var published = await publishers.RunAsync(seconds);
        var got = followers is null ? null : await followers.ReportAsync(published.Acked);
        cpu = Cpu - cpu;
        var problem = got is null ? published.Problems : Validity.Problem(published, got, published.Acked, isEqual: false);
        if (problem is not null) report.Invalid.Add($"{target}, {figure}: {problem}");
        else report.Add(target, (figure, cpu / published.Acked * Microseconds));
    }
}
