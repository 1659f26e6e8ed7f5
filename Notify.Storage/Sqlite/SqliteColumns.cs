using Microsoft.Data.Sqlite;

namespace Notify.Storage.Sqlite;

/// <summary>How ids and times are kept: 16 bytes in their written order, milliseconds since 1970.</summary>
internal static class SqliteColumns
{
    public static Guid GetId(this SqliteDataReader reader, int column) => new(reader.GetFieldValue<byte[]>(column), true);

    public static DateTimeOffset GetTime(this SqliteDataReader reader, int column) =>
        DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64(column));
}
