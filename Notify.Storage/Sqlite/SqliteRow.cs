using Microsoft.Data.Sqlite;
using SQLitePCL;
using static SQLitePCL.raw;

namespace Notify.Storage.Sqlite;

/// <summary>
/// A prepared statement that writes or finds one row a run, its values bound by position on SQLite's own interface: what <see cref="SqliteCommand"/> makes for
/// each run, a reader and the name of every parameter, was most of what an append allocated.
/// </summary>
/// <remarks>For statements inside a transaction that has the write lock: it does not wait for another writer as a command does.</remarks>
internal sealed class SqliteRow : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly sqlite3_stmt _statement;
    private int _bound;

    /// <param name="connection">The connection that has the transaction.</param>
    /// <param name="sql">With parameters <c>?1</c>, <c>?2</c>, …; each is given a value before every run, in this order.</param>
    public SqliteRow(SqliteConnection connection, string sql)
    {
        _connection = connection;
        Check(sqlite3_prepare_v3(connection.Handle, sql, SQLITE_PREPARE_PERSISTENT, out _statement));
    }

    public SqliteRow Add(long? value)
    {
        _bound++;
        Check(value is { } number ? sqlite3_bind_int64(_statement, _bound, number) : sqlite3_bind_null(_statement, _bound));
        return this;
    }

    public SqliteRow Add(string? value)
    {
        _bound++;
        Check(value is not null ? sqlite3_bind_text(_statement, _bound, value) : sqlite3_bind_null(_statement, _bound));
        return this;
    }

    /// <summary>Bytes, which SQLite copies; none are an empty blob and not NULL.</summary>
    public SqliteRow Add(ReadOnlySpan<byte> value)
    {
        _bound++;
        Check(value.IsEmpty ? sqlite3_bind_zeroblob(_statement, _bound, 0) : sqlite3_bind_blob(_statement, _bound, value));
        return this;
    }

    /// <summary>An id as it is stored: its bytes in the order in which it is written.</summary>
    public SqliteRow Add(Guid value)
    {
        Span<byte> bytes = stackalloc byte[16];
        value.TryWriteBytes(bytes, bigEndian: true, out _);
        return Add(bytes);
    }

    /// <summary>Writes the row; the values have to be given anew for the next one.</summary>
    /// <exception cref="SqliteException">It was not written.</exception>
    public void Write() => Read();

    /// <summary>Finds the row, or writes one and returns it: its first two numbers; null when there is none.</summary>
    /// <exception cref="SqliteException">It could not be looked for, or was not written.</exception>
    public (long First, long Second)? Read()
    {
        _bound = 0;
        try
        {
            var code = sqlite3_step(_statement);
            Check(code);
            return code == SQLITE_ROW ? (sqlite3_column_int64(_statement, 0), sqlite3_column_int64(_statement, 1)) : null;
        }
        finally
        {
            _ = sqlite3_reset(_statement); // says again what the step said
        }
    }

    public void Dispose() => _statement.Dispose();

    private void Check(int code)
    {
        if (code is SQLITE_OK or SQLITE_ROW or SQLITE_DONE) return;
        _bound = 0;
        SqliteException.ThrowExceptionForRC(code, _connection.Handle);
    }
}
