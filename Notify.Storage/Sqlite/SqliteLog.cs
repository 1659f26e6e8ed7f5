using Microsoft.Data.Sqlite;
using Notify.Storage.Directory;
using Notify.Storage.Inbox;
using Notify.Storage.Log;
using Notify.Storage.Nodes;

namespace Notify.Storage.Sqlite;

/// <summary>The log in a file, for one process.</summary>
internal sealed class SqliteLog : INotificationLog
{
    private readonly SqliteFile _file;
    private readonly SqliteReaders _readers;
    private readonly SqliteReader _reader;
    private readonly SqliteAppend _append;
    private readonly SqliteRetention _retention;
    private readonly SqliteDirectory _directory;
    private readonly SqliteInbox _inbox;
    private readonly TimeSpan _inboxMaxAge;

    private SqliteLog(SqliteFile file, TimeSpan inboxMaxAge, TimeProvider time)
    {
        _inboxMaxAge = inboxMaxAge;
        _file = file;
        Writer = new SqliteWriter(file);
        _readers = new SqliteReaders(file);
        _reader = new SqliteReader(_readers);
        _append = new SqliteAppend(Writer, time);
        _retention = new SqliteRetention(Writer, _reader, time);
        _directory = new SqliteDirectory(Writer, _readers, time);
        _inbox = new SqliteInbox(Writer, _readers, time);
        Nodes = new SqliteNodes(Writer, _readers, time);
    }

    public IDirectory Directory => _directory;

    public IInbox Inbox => _inbox;

    public INodes Nodes { get; }

    /// <summary>For tests that fill the disk or take the file away.</summary>
    internal SqliteWriter Writer { get; }

    public static async Task<SqliteLog> OpenAsync(
        StorageOptions options, CancellationToken cancellationToken, TimeProvider? time = null)
    {
        var log = new SqliteLog(SqliteFile.Hold(options.SqlitePath, options.MayCreate), options.InboxMaxAge, time ?? TimeProvider.System);
        try
        {
            await log.Writer.UseAsync(statements => SqliteSchema.Ensure(statements.Connection, log._file, options), cancellationToken);
            await log.Writer.UseAsync(statements => statements.Execute(SqliteNodes.EndAll), cancellationToken);
            return log;
        }
        catch (SqliteException error)
        {
            await log.DisposeAsync();
            throw log._file.Mistake(error) ?? (Exception)SqliteErrors.Unavailable(error);
        }
        catch
        {
            await log.DisposeAsync();
            throw;
        }
    }

    public string Place => $"the SQLite file {_file.Path}";

    public Task<LogHead> ReadHeadAsync(CancellationToken cancellationToken) => _reader.ReadHeadAsync(cancellationToken);

    public Task<AppendResult> AppendAsync(AppendBatch batch, CancellationToken cancellationToken) =>
        _append.AppendAsync(batch, cancellationToken);

    public Task<LogPage> ReadAsync(long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        _reader.ReadAsync(after, maxEntries, maxBytes, cancellationToken);

    public Task<LogPage> ReadTopicsAsync(
        IReadOnlyCollection<long> topicIds, long after, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        _reader.ReadTopicsAsync(topicIds, after, maxEntries, maxBytes, cancellationToken);

    public Task<LogPage> ReadTopicsBackAsync(
        IReadOnlyCollection<long> topicIds, long before, int maxEntries, int maxBytes, CancellationToken cancellationToken) =>
        _reader.ReadTopicsBackAsync(topicIds, before, maxEntries, maxBytes, cancellationToken);

    public Task<IReadOnlyList<LogTopic>> FindTopicsAsync(IReadOnlyCollection<string> names, CancellationToken cancellationToken) =>
        _reader.FindTopicsAsync(names, cancellationToken);

    public Task<IReadOnlyList<LogTopic>> FindTopicsByPrefixAsync(string prefix, int limit, CancellationToken cancellationToken) =>
        _reader.FindTopicsByPrefixAsync(prefix, limit, cancellationToken);

    public Task<LogEntry?> FindAsync(Guid id, CancellationToken cancellationToken) => _reader.FindAsync(id, cancellationToken);

    public async Task<LogHead> SweepAsync(TimeSpan maxAge, CancellationToken cancellationToken)
    {
        var head = await _retention.SweepAsync(maxAge, cancellationToken);
        await _directory.SweepAsync(cancellationToken);
        await _inbox.SweepAsync(_inboxMaxAge > maxAge ? _inboxMaxAge : maxAge, cancellationToken);
        return head;
    }

    public Task<Guid> BeginEpochAsync(CancellationToken cancellationToken) =>
        Writer.TransactAsync(
            statements =>
            {
                var epoch = Guid.NewGuid();
                statements.Execute("UPDATE log_head SET epoch = ?1", epoch.ToByteArray(true));
                return epoch;
            },
            cancellationToken);

    public ValueTask DisposeAsync()
    {
        _readers.Dispose();
        Writer.Dispose();
        _file.Dispose();
        return ValueTask.CompletedTask;
    }
}
