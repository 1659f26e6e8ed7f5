using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>A target's server, started, with its storage; knows what CPU the two have used.</summary>
internal sealed class Bench : IAsyncDisposable
{
    private readonly Storage? _storage;

    private Bench(Target target, Storage? storage, RunningServer server) => (Target, _storage, Server) = (target, storage, server);

    public Target Target { get; }
    public RunningServer Server { get; }

    public double ServerCpu => CpuClock.OfProcess(Server.ProcessId);
    public double StorageCpu => _storage?.CpuSeconds ?? 0;

    public static async Task<Bench> StartAsync(Laboratory laboratory, Target target, bool withProbe = false)
    {
        var storage = target.Peer == PeerKind.Notify ? await laboratory.NewStorageAsync(target.Storage) : null;
        var server = storage is null ? await target.StartPeerAsync(withProbe) : await storage.StartServerAsync(withProbe, folder: target.Folder);
        return new Bench(target, storage, server);
    }

    public Task<Subscribers> SubscribeAsync(int connections, int topics) => Subscribers.StartAsync(new SubscriberOptions
    {
        Peer = Target.Peer,
        Port = Server.Port,
        Connections = connections,
        Topics = topics,
        Protocol = Target.Protocol,
    });

    public Task<Publishers> PublishersAsync(int connections, int topics) => Publishers.StartAsync(new PublisherOptions
    {
        Peer = Target.Peer,
        Port = Server.Port,
        Connections = Target.Publishers > 0 ? Target.Publishers : connections,
        Topics = topics,
        By = Target.By,
        Batch = Target.Batch,
        Protocol = Target.Protocol,
    });

    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        if (_storage is not null) await _storage.DisposeAsync();
    }
}
