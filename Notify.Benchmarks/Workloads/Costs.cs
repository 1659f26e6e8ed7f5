using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>
/// What one thing costs a server and its Postgres: microseconds of CPU, which bear a disturbed machine better than times
/// do. Checked as everywhere: what does not come once and in order is no figure. Each meter is of a server that is warm for its work.
/// </summary>
internal sealed class Costs(WorkloadReport report, string target, RunningServer server, Storage storage, double seconds)
{
    private const double Microseconds = 1e6;

    private double Cpu => CpuClock.OfProcess(server.ProcessId) + storage.CpuSeconds;

    /// <summary>To store one, spread over so many topics.</summary>
    public Task<CostMeter> AppendAsync(string figure, int topics, int batch = 1, int firstTopic = 0) => PublishAsync(figure, null, topics, batch, firstTopic);

    /// <summary>To store one and hand it to its one follower.</summary>
    public Task<CostMeter> DeliverAsync(string figure, Subscribers followers, int topics, int batch = 1) => PublishAsync(figure, followers, topics, batch, 0);

    /// <summary>To hand over one that was missed; all clients together miss so many.</summary>
    public async Task<CostMeter> ReplayAsync(string figure, SubscriberOptions clients, long missed)
    {
        await Warming.RunAsync([server.ProcessId], async _ => (await ReplayAsync(clients, missed)).Done, 0);
        return new CostMeter(() => ReplayAsync(clients, missed), Reporter(figure));
    }

    private async Task<Spent> ReplayAsync(SubscriberOptions clients, long missed)
    {
        var cpu = Cpu;
        await using var subscribers = await Subscribers.StartAsync(clients);
        cpu = Cpu - cpu;
        var ready = subscribers.Ready;
        return new Spent(cpu, missed, ready.Problems is not null || ready.Replayed != missed || ready.Missing + ready.Disordered > 0 ? $"{ready}" : null);
    }

    private async Task<CostMeter> PublishAsync(string figure, Subscribers? followers, int topics, int batch, int firstTopic)
    {
        var publishers = await Publishers.StartAsync(new PublisherOptions
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
        return new CostMeter(
            async () =>
            {
                var cpu = Cpu;
                var published = await publishers.RunAsync(seconds);
                var got = followers is null ? null : await followers.ReportAsync(published.Acked);
                cpu = Cpu - cpu;
                return new Spent(cpu, published.Acked, got is null ? published.Problems : Validity.Problem(published, got, published.Acked, isEqual: false));
            },
            Reporter(figure),
            publishers);
    }

    private Action<double, string?> Reporter(string figure) => (cpu, problem) =>
    {
        if (problem is not null) report.Invalid.Add($"{target}, {figure}: {problem}");
        else report.Add(target, (figure, cpu * Microseconds));
    };
}
