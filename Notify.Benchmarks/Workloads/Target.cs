using Notify.Benchmarks.Load;
using Notify.Benchmarks.Processes;

namespace Notify.Benchmarks.Workloads;

/// <summary>A server under a workload, and how it is published to.</summary>
internal sealed record Target(string Name, PeerKind Peer)
{
    public string Protocol { get; init; } = "json";
    public string Storage { get; init; } = "postgres";
    public PublishBy By { get; init; }
    public int Batch { get; init; } = 1;

    /// <summary>Publishers other than the workload's; 0: the workload's.</summary>
    public int Publishers { get; init; }

    /// <summary>The raw limit through a queue a socket.</summary>
    public bool IsQueued { get; init; }

    /// <summary>Where the published server lies; null: where all do.</summary>
    public string? Folder { get; init; }

    /// <summary>This target, and the same of every version that is measured beside it.</summary>
    public IEnumerable<Target> WithVersions(string? folders) =>
        folders?.Split(',').Select(folder => this with { Name = $"{Name}, {Path.GetFileName(folder)}", Folder = Path.GetFullPath(folder) }).Prepend(this)
        ?? [this];

    public static Target Notify(string protocol = "json", string storage = "postgres") =>
        new($"Notify {storage} {protocol}", PeerKind.Notify) { Protocol = protocol, Storage = storage };

    public static Target Stock(string protocol = "json") => new($"stock SignalR {protocol}", PeerKind.Stock) { Protocol = protocol };

    public static Target Raw(bool queued = false) => new(queued ? "raw Kestrel, queued" : "raw Kestrel", PeerKind.Raw) { IsQueued = queued };

    public Task<RunningServer> StartPeerAsync(bool withProbe = false) =>
        RunningServer.StartPeerAsync(Peer, withProbe, IsQueued ? ["--queued"] : []);
}
