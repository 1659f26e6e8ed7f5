using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Notify.Contracts.Hub;
using Notify.Engine.Cluster;
using Notify.Engine.Cluster.Backplanes;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Engine.Presence;
using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Server.Configuration;
using Notify.Storage.Log;
using Notify.Tests.Delivery;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Cluster;

/// <summary>Tail and link of one node as they are composed in the service, on a log that several share, without HTTP around them.</summary>
internal sealed class ClusterNode : IAsyncDisposable
{
    private readonly INotificationLog _log;
    private readonly ServiceProvider _services;
    private readonly List<IHostedService> _hosted;

    private ClusterNode(INotificationLog log, ServiceProvider services)
    {
        (_log, _services) = (log, services);
        Counted = new Readings(services.GetRequiredService<IMeterFactory>());
        _hosted = [.. services.GetServices<IHostedService>()];
    }

    public Readings Counted { get; }

    /// <summary>What was given to its backplane so far.</summary>
    public IReadOnlyCollection<LinkMessage?> Said => ((ListenedBackplane)Get<IBackplane>()).Said;

    public Guid Epoch => Get<TailPosition>().View!.EpochId;

    /// <param name="log">The log it is on.</param>
    /// <param name="settings">What joins it to others.</param>
    /// <param name="time">The clock it goes by; null for the real one.</param>
    /// <param name="isSilent">Its own link is not started: a test may speak on its backplane.</param>
    public static async Task<ClusterNode> StartAsync(INotificationLog log, ClusterSettings settings, TimeProvider? time = null, bool isSilent = false)
    {
        var services = new ServiceCollection()
            .AddLogging()
            .AddMetrics()
            .AddSingleton(time ?? TimeProvider.System)
            .AddSingleton(log)
            .AddSingleton(Options.Create(new NotifyOptions()))
            .AddSingleton<AppendTurn>()
            .AddNotifyTail()
            .AddNotifyDelivery()
            .AddNotifyDirectory();
        if (settings.Redis is { } redis) services.AddNotifyCluster(redis);
        else services.AddNotifyCluster(settings.Postgres);
        services.AddNotifyPresence();
        var backplane = services.Last(service => service.ServiceType == typeof(IBackplane)).ImplementationType!;
        services.AddSingleton<IBackplane>(provider => new ListenedBackplane((IBackplane)ActivatorUtilities.CreateInstance(provider, backplane)));
        var node = new ClusterNode(log, services.BuildServiceProvider());
        if (isSilent) node._hosted.RemoveAll(hosted => hosted is ClusterLink);
        foreach (var hosted in node._hosted) await hosted.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => node.Get<TailPosition>().View is not null, "the tail has begun");
        return node;
    }

    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    /// <summary>A session that follows all from the beginning.</summary>
    public async Task<RecordingSink> FollowAsync()
    {
        var sink = new RecordingSink();
        var session = Get<SessionOpener>()(Guid.NewGuid().ToString(), sink, null);
        var (_, refusal) = await Get<Resumption>()
            .ResumeAsync(session, new ResumeRequest { Since = 0, Topics = ["#"] }, SessionAccess.Everything, CancellationToken.None);
        Assert.Null(refusal);
        session.Start();
        await Eventually.TrueAsync(() => session.State == SessionState.Live, "the session is live");
        return sink;
    }

    /// <summary>Appends and hands on, as the publisher does.</summary>
    public async Task<IReadOnlyList<LogEntry>> PublishAsync(int count = 1, int bodyBytes = 10)
    {
        var stored = await AppendAsync(_log, count, bodyBytes);
        Get<ICommitObserver>().Committed(stored.Epoch, stored.Stored);
        return stored.Stored;
    }

    public void PublishEphemeral(int bodyBytes = 10) => Get<ICommitObserver>().Ephemeral(
        Entries.At(0, content: $$"""{"body":"{{new string('e', bodyBytes)}}","priority":"normal"}""") with { TopicSeq = 0 });

    /// <summary>Appends without a word.</summary>
    public static Task<AppendResult> AppendAsync(INotificationLog log, int count, int bodyBytes = 10) => log.AppendAsync(
        new AppendBatch(Guid.NewGuid(), [.. Enumerable.Range(0, count).Select(_ => new NewEntry
        {
            Id = Guid.CreateVersion7(),
            Topic = "t",
            Content = Encoding.UTF8.GetBytes($$"""{"body":"{{new string('x', bodyBytes)}}","priority":"normal"}"""),
        })]),
        CancellationToken.None);

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        foreach (var hosted in Enumerable.Reverse(_hosted)) await hosted.StopAsync(patience.Token);
        Counted.Dispose();
        await _services.DisposeAsync();
    }
}
