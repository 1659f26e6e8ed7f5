using StackExchange.Redis;

namespace Notify.Server.Configuration;

/// <summary>What joins the nodes, as configured.</summary>
/// <param name="Postgres">The log's connection string; null: SQLite.</param>
/// <param name="Redis">Null: LISTEN/NOTIFY, or one node.</param>
internal sealed record ClusterSettings(string? Postgres, ConfigurationOptions? Redis)
{
    private const string PostgresName = "Postgres";
    private const string RedisName = "Redis";
    private const string RedisSetting = "ConnectionStrings:" + RedisName;

    // Connects wait for Redis a moment at most, and a stopped one should be noticed within seconds.
    private const int AnswerMilliseconds = 2_000;
    private const int KeepAliveSeconds = 5;
    private const int FirstRetryMilliseconds = 250;
    private const int LongestRetryMilliseconds = 5_000;

    /// <exception cref="SettingsException">Something is wrong, and what.</exception>
    public static ClusterSettings Read(IConfiguration configuration)
    {
        CheckNames(configuration.GetSection("ConnectionStrings"));
        var postgres = Given(configuration, PostgresName, "a SQLite file is used");
        if (Given(configuration, RedisName, "nodes are joined by Postgres") is not { } redis) return new ClusterSettings(postgres, null);
        var parsed = Parse(redis);
        if (postgres is null) throw new SettingsException($"{RedisSetting} is set, but the storage is a SQLite file, which belongs to one process: set ConnectionStrings:Postgres too, or remove {RedisSetting}.");
        return new ClusterSettings(postgres, parsed);
    }

    // A variable of a script that was not filled in: a node that then stores elsewhere than the others looks well.
    private static string? Given(IConfiguration configuration, string name, string without) => configuration.GetConnectionString(name) switch
    {
        null => null,
        var text when string.IsNullOrWhiteSpace(text) => throw new SettingsException($"The setting ConnectionStrings:{name} is empty: say where it is, or remove the setting, and {without}."),
        var text => text,
    };

    // Other names are a host's own business, but 'Postgre' would store everything in a SQLite file without a word.
    private static void CheckNames(IConfigurationSection strings)
    {
        foreach (var name in new[] { PostgresName, RedisName }.Where(name => string.IsNullOrEmpty(strings[name])))
        {
            var slip = strings.GetChildren().FirstOrDefault(other => Spelling.Distance(name, other.Key) is > 0 and <= 2);
            if (slip is not null) throw new SettingsException($"The setting {slip.Path} is unknown. Did you mean {strings.Path}:{name}?");
        }
    }

    private static ConfigurationOptions Parse(string text)
    {
        ConfigurationOptions options;
        try
        {
            options = ConfigurationOptions.Parse(text);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            throw Unreadable(); // its message is not passed on: it may quote a part of the password
        }

        if (options.EndPoints.Count == 0 || options.EndPoints.Any(endpoint => endpoint is null)) throw Unreadable();

        // Redis makes things fast; it is never what a node waits for.
        options.AbortOnConnectFail = false;
        options.BacklogPolicy = BacklogPolicy.FailFast;
        options.ReconnectRetryPolicy = new ExponentialRetry(FirstRetryMilliseconds, LongestRetryMilliseconds);
        options.ClientName ??= "notify";
        if (!Has(text, "connectTimeout")) options.ConnectTimeout = AnswerMilliseconds;
        if (!Has(text, "asyncTimeout")) options.AsyncTimeout = AnswerMilliseconds;
        if (!Has(text, "syncTimeout")) options.SyncTimeout = AnswerMilliseconds;
        if (!Has(text, "keepAlive")) options.KeepAlive = KeepAliveSeconds;
        return options;
    }

    private static bool Has(string text, string keyword) => text.Contains(keyword + '=', StringComparison.OrdinalIgnoreCase);

    private static SettingsException Unreadable() => new($"{RedisSetting} cannot be read; it looks like redis:6379,password=… .");
}
