using Notify.Storage.Directory;
using Npgsql;
using NpgsqlTypes;

namespace Notify.Storage.Postgres;

/// <summary>Parameters of statements, by position.</summary>
internal static class PostgresParameters
{
    public static NpgsqlParameter<T> Value<T>(T value) => new() { TypedValue = value };

    /// <summary>The predicate of a rule. Sent as the type it is used as: a text that the statement casts is parsed again for every row.</summary>
    public static NpgsqlParameter<string> Path(RuleTest rule) => new() { TypedValue = rule.JsonPath, NpgsqlDbType = NpgsqlDbType.JsonPath };

    /// <summary>The constants of a rule.</summary>
    public static NpgsqlParameter<string> Vars(RuleTest rule) => new() { TypedValue = rule.Vars, NpgsqlDbType = NpgsqlDbType.Jsonb };
}
