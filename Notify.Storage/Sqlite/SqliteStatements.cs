using Microsoft.Data.Sqlite;

namespace Notify.Storage.Sqlite;

/// <summary>A connection and its statements, each prepared once: preparing costs more than most of them run.</summary>
internal sealed class SqliteStatements(SqliteConnection connection) : IDisposable
{
    private readonly Dictionary<string, SqliteCommand> _prepared = new(StringComparer.Ordinal);
    private readonly Dictionary<string, SqliteRow> _rows = new(StringComparer.Ordinal);

    public SqliteConnection Connection => connection;

    /// <summary>Rows of a statement whose parameters are written <c>?1</c>, <c>?2</c>, …</summary>
    public SqliteDataReader Query(string sql, params ReadOnlySpan<object?> values) => Bound(sql, values).ExecuteReader();

    public int Execute(string sql, params ReadOnlySpan<object?> values) => Bound(sql, values).ExecuteNonQuery();

    public object? Scalar(string sql, params ReadOnlySpan<object?> values) => Bound(sql, values).ExecuteScalar();

    /// <summary>A statement that writes a row, for those of which one append has many.</summary>
    public SqliteRow Row(string sql)
    {
        if (_rows.TryGetValue(sql, out var row)) return row;
        row = new SqliteRow(connection, sql);
        _rows.Add(sql, row);
        return row;
    }

    public void Dispose()
    {
        foreach (var row in _rows.Values)
            row.Dispose();
        foreach (var command in _prepared.Values)
            command.Dispose();
        connection.Dispose();
    }

    private SqliteCommand Bound(string sql, ReadOnlySpan<object?> values)
    {
        if (!_prepared.TryGetValue(sql, out var command))
        {
            command = connection.CreateCommand();
            command.CommandText = sql;
            for (var i = 1; i <= values.Length; i++)
                command.Parameters.Add(new SqliteParameter { ParameterName = $"?{i}" });
            _prepared.Add(sql, command);
        }

        for (var i = 0; i < values.Length; i++)
            command.Parameters[i].Value = values[i] ?? DBNull.Value;
        return command;
    }
}
