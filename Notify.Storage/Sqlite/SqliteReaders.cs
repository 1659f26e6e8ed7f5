using System.Collections.Concurrent;
using Microsoft.Data.Sqlite;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>A few reading connections. In WAL mode they neither wait for the writer nor hold it up.</summary>
internal sealed class SqliteReaders(SqliteFile file) : IDisposable
{
    private const int AtOnce = 4;

    private readonly SemaphoreSlim _places = new(AtOnce);
    private readonly ConcurrentBag<SqliteStatements> _idle = [];

    /// <summary>Off the caller's thread: SQLite's calls block.</summary>
    public async Task<T> ReadAsync<T>(Func<SqliteStatements, T> work, CancellationToken cancellationToken)
    {
        await _places.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(() => Read(work), CancellationToken.None);
        }
        finally
        {
            _places.Release();
        }
    }

    public void Dispose()
    {
        while (_idle.TryTake(out var statements))
            statements.Dispose();
        _places.Dispose();
    }

    private T Read<T>(Func<SqliteStatements, T> work)
    {
        SqliteStatements? statements = null;
        try
        {
            if (!_idle.TryTake(out statements))
                statements = new SqliteStatements(file.Open());
            var result = work(statements);
            _idle.Add(statements);
            return result;
        }
        catch (SqliteException error)
        {
            statements?.Dispose();
            throw SqliteErrors.Unavailable(error);
        }
        catch
        {
            statements?.Dispose();
            throw;
        }
    }
}
