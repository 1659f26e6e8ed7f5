using Microsoft.Data.Sqlite;
using Notify.Storage.Log;

namespace Notify.Storage.Sqlite;

/// <summary>The one writing connection: transactions one at a time, off the caller's thread.</summary>
internal sealed class SqliteWriter(SqliteFile file) : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);
    private SqliteStatements? _statements;

    /// <summary>
    /// Runs the work between BEGIN IMMEDIATE and COMMIT. A deferred transaction would read first and could then find the
    /// lock taken, with nothing to do but start again.
    /// </summary>
    /// <param name="commitFailed">What to throw when the disk failed during the commit: a restart may find it done.</param>
    /// <exception cref="StorageUnavailableException">Rolled back.</exception>
    public async Task<T> TransactAsync<T>(
        Func<SqliteStatements, T> work, CancellationToken cancellationToken, Func<SqliteException, Exception>? commitFailed = null)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            return await Task.Run(() => Transact(work, commitFailed ?? SqliteErrors.Unavailable), CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }
    }

    /// <summary>The connection itself, for what is not a transaction. Waits for its turn.</summary>
    public async Task UseAsync(Action<SqliteStatements> work, CancellationToken cancellationToken)
    {
        await _turn.WaitAsync(cancellationToken);
        try
        {
            await Task.Run(() => work(Statements()), CancellationToken.None);
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _turn.Wait();
        Close();
        _turn.Dispose();
    }

    private T Transact<T>(Func<SqliteStatements, T> work, Func<SqliteException, Exception> commitFailed)
    {
        var committing = false;
        try
        {
            var statements = Statements();
            statements.Execute("BEGIN IMMEDIATE");
            var result = work(statements);
            committing = true;
            statements.Execute("COMMIT");
            return result;
        }
        catch (SqliteException error)
        {
            Recover();
            if (SqliteErrors.IsRowError(error))
                throw;
            throw committing && SqliteErrors.IsDiskError(error) ? commitFailed(error) : SqliteErrors.Unavailable(error);
        }
        catch
        {
            Recover();
            throw;
        }
    }

    private SqliteStatements Statements() => _statements ??= new SqliteStatements(file.Open());

    /// <summary>Some errors have rolled back by themselves; a connection that cannot tell is replaced.</summary>
    private void Recover()
    {
        try
        {
            _statements?.Execute("ROLLBACK");
        }
        catch (SqliteException)
        {
            Close();
        }
    }

    private void Close()
    {
        _statements?.Dispose();
        _statements = null;
    }
}
