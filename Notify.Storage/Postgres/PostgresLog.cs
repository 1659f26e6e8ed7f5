using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;
using Notify.Storage.Nodes;
using Npgsql;

namespace Notify.Storage.Postgres;

/// <summary>The log on Postgres, for any number of nodes.</summary>
internal sealed class PostgresLog : INotificationLog
{
    private readonly KnownHead _known = new();
    private readonly NpgsqlDataSource _connections;
    private readonly PostgresAppend _append;
    private readonly PostgresReader _reader;
    private readonly PostgresRetention _retention;
    private readonly PostgresPartitions _partitions;
    private readonly PostgresEpoch _epoch;
    private readonly NpgsqlDataSource _people;
    private readonly PostgresDirectory _directory;
    private readonly PostgresInbox _inbox;
    private readonly TimeSpan _inboxMaxAge;

    private PostgresLog(NpgsqlConnectionStringBuilder settings, PostgresPlace place, TimeSpan inboxMaxAge, long partitionSize)
    {
        _inboxMaxAge = inboxMaxAge;
        var inPlace = PostgresSettings.In(settings, place);
        var connections = _connections = PostgresConnections.Create(inPlace, _known);
        _partitions = new PostgresPartitions(connections, place.Locks, partitionSize);
        _append = new PostgresAppend(connections, _partitions);
        _reader = new PostgresReader(connections);
        _retention = new PostgresRetention(connections, _partitions, place.Locks);
        _epoch = new PostgresEpoch(connections);
        _people = PostgresConnections.CreateForPeople(inPlace, _known);
        _directory = new PostgresDirectory(_people, _append, _known);
        _inbox = new PostgresInbox(_people);
        Nodes = new PostgresNodes(_people);
        Place = $"{PostgresSettings.Describe(settings)}, schema {place.Schema}";
    }

    public IDirectory Directory => _directory;

    public IInbox Inbox => _inbox;

    public INodes Nodes { get; }

    public string Place { get; }

    public static async Task<PostgresLog> OpenAsync(
        StorageOptions options, CancellationToken cancellationToken, long partitionSize = PostgresPartitions.DefaultSize)
    {
        var settings = PostgresSettings.Parse(options.Postgres!);
        var place = await PostgresSchema.EnsureAsync(settings, options, cancellationToken);
        var log = new PostgresLog(settings, place, options.InboxMaxAge, partitionSize);
        try
        {
            await PostgresMistakes.ToldAsync(settings, place.Schema, () => log._partitions.MakeAheadAsync(1, cancellationToken));
            return log;
        }
        catch
        {
            await log.DisposeAsync();
            throw;
        }
    }

    public async Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken)
    {
        var head = await PostgresErrors.ReadAsync(() => _reader.ReadHeadAsync(cancellationToken));
        _known.Observe(head.Epoch, head.Head);
        return head;
    }

    public async Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken)
    {
        var result = await _append.AppendAsync(batch, cancellationToken);
        if (result.Stored.Count > 0) _known.Observe(result.Epoch, result.Stored[^1].Version);
        return result;
    }

    public Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(() => _reader.ReadAsync(after, maxEntries, maxBytes, cancellationToken));

    public Task<LogPage> ReadTopicsAsync(
        IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(() => _reader.ReadTopicsAsync(topicIds, after, maxEntries, maxBytes, cancellationToken));

    public Task<LogPage> ReadTopicsBackAsync(
        IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(() => _reader.ReadTopicsBackAsync(topicIds, before, maxEntries, maxBytes, cancellationToken));

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(() => _reader.FindTopicsAsync(names, cancellationToken));

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(() => _reader.FindTopicsByPrefixAsync(prefix, limit, cancellationToken));

    public Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken) =>
        PostgresErrors.ReadAsync(() => _reader.FindAsync(id, cancellationToken));

    public Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken) =>
        PostgresErrors.TranslateOutages(async () =>
        {
            await _retention.SweepAsync(await _reader.ReadHeadAsync(cancellationToken), maxAge, cancellationToken);
            await _directory.SweepAsync(cancellationToken);
            await _inbox.SweepAsync(_inboxMaxAge > maxAge ? _inboxMaxAge : maxAge, cancellationToken);
            return await _reader.ReadHeadAsync(cancellationToken);
        });

    public Task<Guid> BeginEpochAsync(CancellationToken cancellationToken) =>
        PostgresErrors.TranslateOutages(() => _epoch.BeginAsync(cancellationToken));

    public async ValueTask DisposeAsync()
    {
        await _append.DisposeAsync();
        await _people.DisposeAsync();
        await _connections.DisposeAsync();
    }
}
