using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Engine.Inbox;
using Notify.Engine.Publishing;
using Notify.Engine.Tail;
using Notify.Storage;
using Notify.Storage.Directory;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Delivery;

/// <summary>Delivery as it is composed in the service, on a SQLite log of its own, without SignalR around it.</summary>
internal sealed class DeliveryRig : IAsyncDisposable
{
    private readonly DirectoryInfo _folder;
    private readonly ServiceProvider _services;
    private readonly List<IHostedService> _hosted;
    private int _sessions;

    private DeliveryRig(DirectoryInfo folder, ServiceProvider services, INotificationLog log)
    {
        (_folder, _services, Log) = (folder, services, log);
        _hosted = [.. services.GetServices<IHostedService>()];
    }

    public INotificationLog Log { get; }
    public LogTail Tail => _services.GetRequiredService<LogTail>();
    public TailPosition Position => _services.GetRequiredService<TailPosition>();
    public SessionRegistry Sessions => _services.GetRequiredService<SessionRegistry>();
    public T Get<T>() where T : notnull => _services.GetRequiredService<T>();

    /// <param name="limits">The service's defaults unless given.</param>
    /// <param name="stored">Notifications that are in the log before the tail begins.</param>
    public static Task<DeliveryRig> StartAsync(LimitSettings? limits = null, params (int Count, string Topic)[] stored) =>
        StartAsync(TimeProvider.System, null, limits, [], stored);

    /// <param name="time">What the service takes for time.</param>
    /// <param name="log">Another log than a SQLite file.</param>
    /// <param name="stored">Notifications that are in the log before the tail begins.</param>
    public static Task<DeliveryRig> StartAsync(TimeProvider time, INotificationLog? log = null, params (int Count, string Topic)[] stored) =>
        StartAsync(time, log, null, [], stored);

    /// <param name="appliers">What is applied before delivery, in this order.</param>
    /// <param name="around">What the service has for the log; null: the log itself.</param>
    /// <param name="stored">Notifications that are in the log before the tail begins.</param>
    public static async Task<DeliveryRig> StartAsync(ILogApplier[] appliers, Func<INotificationLog, INotificationLog>? around = null,
        params (int Count, string Topic)[] stored)
    {
        var folder = Directory.CreateTempSubdirectory("notify-delivery-");
        var log = await LogStore.OpenAsync(new StorageOptions { SqlitePath = Path.Combine(folder.FullName, "log.db") }, CancellationToken.None);
        return await StartAsync(TimeProvider.System, around?.Invoke(log) ?? log, null, appliers, stored, folder);
    }

    private static async Task<DeliveryRig> StartAsync(TimeProvider time, INotificationLog? log, LimitSettings? limits, ILogApplier[] appliers,
        (int Count, string Topic)[] stored, DirectoryInfo? folder = null)
    {
        folder ??= Directory.CreateTempSubdirectory("notify-delivery-");
        log ??= await LogStore.OpenAsync(new StorageOptions { SqlitePath = Path.Combine(folder.FullName, "log.db") }, CancellationToken.None);
        var collection = new ServiceCollection();
        foreach (var applier in appliers) collection.AddSingleton(applier);
        var services = collection
            .AddLogging()
            .AddMetrics()
            .AddSingleton(time)
            .AddSingleton(log)
            .AddSingleton(Options.Create(new NotifyOptions { Limits = limits ?? new() }))
            .AddSingleton<AppendTurn>()
            .AddSingleton<ICommitObserver, TailCommitObserver>()
            .AddNotifyTail()
            .AddNotifyDelivery()
            .AddNotifyDirectory()
            .AddNotifyInbox()
            .BuildServiceProvider();
        var rig = new DeliveryRig(folder, services, log);
        foreach (var (count, topic) in stored) await rig.AppendAsync(count, topic);
        foreach (var hosted in rig._hosted) await hosted.StartAsync(CancellationToken.None);
        await Eventually.TrueAsync(() => rig.Position.View is not null, "the tail has begun");
        return rig;
    }

    public (DeliverySession Session, RecordingSink Sink) Connect(string? user = null, string? device = null)
    {
        var sink = new RecordingSink();
        return (Get<SessionOpener>()($"c{Interlocked.Increment(ref _sessions)}", sink, user, device), sink);
    }

    /// <summary>Connects as a user, resumes and starts, as the hub does.</summary>
    public async Task<(DeliverySession Session, RecordingSink Sink, ResumeResult Result)> ResumeAsAsync(
        string user, long? since, string? device = null, SessionAccess? access = null, params string[] topics)
    {
        var (session, sink) = Connect(user, device);
        var (result, refusal) = await Get<Resumption>()
            .ResumeAsync(session, new ResumeRequest { Since = since, Topics = topics }, access ?? SessionAccess.Everything, CancellationToken.None);
        Assert.Null(refusal);
        session.Start();
        return (session, sink, result!);
    }

    /// <summary>Changes people and tells the tail, as the directory's front does; the version of the change, or the head.</summary>
    public async Task<long> ChangeAsync(params DirectoryChange[] changes)
    {
        var result = await Log.Directory.ChangeAsync(new ChangeBatch(Guid.NewGuid(), changes, new DirectoryLimits(1000, 1000)), CancellationToken.None);
        Assert.All(result.Outcomes, outcome => Assert.Equal(ChangeStatus.Done, outcome.Status));
        if (result.Stored.Count > 0) Tail.Committed(result.Epoch, result.Stored);
        return result.Head;
    }

    /// <summary>Connects, resumes and starts, as the hub does.</summary>
    public async Task<(DeliverySession Session, RecordingSink Sink, ResumeResult Result)> ResumeAsync(long? since, params string[] topics)
    {
        var (session, sink) = Connect();
        var (result, refusal) = await Get<Resumption>()
            .ResumeAsync(session, new ResumeRequest { Since = since, Topics = topics }, SessionAccess.Everything, CancellationToken.None);
        Assert.Null(refusal);
        session.Start();
        return (session, sink, result!);
    }

    /// <summary>Appends and tells the tail, as the publisher does.</summary>
    public async Task<long> PublishAsync(string topic = "t", int count = 1, long? ttlSeconds = null, int titleLength = 1)
    {
        var stored = await AppendAsync(count, topic, ttlSeconds, titleLength);
        Tail.Committed(stored!.Epoch, stored.Stored);
        return stored.Stored[^1].Version;
    }

    /// <summary>Appends without a word: as another node does whose hint was lost.</summary>
    public async Task<AppendResult?> AppendAsync(int count, string topic, long? ttlSeconds = null, int titleLength = 1)
    {
        var content = Encoding.UTF8.GetBytes($$"""{"title":"{{new string('x', titleLength)}}","priority":"normal"}""");
        AppendResult? result = null;
        for (var left = count; left > 0; left -= 1000)
        {
            var entries = Enumerable.Range(0, Math.Min(left, 1000)).Select(_ => new NewEntry
            {
                Id = Guid.CreateVersion7(),
                Topic = topic,
                Content = content,
                TtlSeconds = ttlSeconds,
            });
            result = await Log.AppendAsync(new AppendBatch(Guid.NewGuid(), [.. entries]), CancellationToken.None);
        }

        return result;
    }

    public static TopicFilter Filter(string text) =>
        TopicFilter.TryParse(text, out var filter, out var problem) ? filter : throw new ArgumentException(problem);

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(Eventually.Patience);
        foreach (var hosted in _hosted) await hosted.StopAsync(patience.Token);
        await _services.DisposeAsync();
        await Log.DisposeAsync();
        _folder.Delete(recursive: true);
    }

    /// <summary>A node that is alone.</summary>
    private sealed class TailCommitObserver(LogTail tail) : ICommitObserver
    {
        public void Committed(Guid epoch, IReadOnlyList<LogEntry> entries) => tail.Committed(epoch, entries);

        public void Ephemeral(LogEntry notification) => tail.Ephemeral(notification);
    }
}
