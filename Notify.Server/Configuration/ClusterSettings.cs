using Notify.Engine.Configuration;
using StackExchange.Redis;

namespace Notify.Server.Configuration;

/// <summary>What joins the nodes, as configured.</summary>
/// <param name="Postgres">The log's connection string; null: SQLite.</param>
/// <param name="Redis">Null: LISTEN/NOTIFY, or one node.</param>
internal sealed record ClusterSettings(string? Postgres, ConfigurationOptions? Redis)
{
    // Connects wait for Redis a moment at most, and a stopped one should be noticed within seconds.
    private const int AnswerMilliseconds = 2_000;
    private const int KeepAliveSeconds = 5;
    private const int FirstRetryMilliseconds = 250;
    private const int LongestRetryMilliseconds = 5_000;

    /// <exception cref="SettingsException">Something is wrong, and what.</exception>
    public static ClusterSettings Read(NotifyOptions options, NotifyHost host)
    {
        var postgres = string.IsNullOrEmpty(options.Postgres) ? null : options.Postgres;
        if (string.IsNullOrEmpty(options.Redis)) return new ClusterSettings(postgres, null);
        var parsed = Parse(options.Redis, host.RedisSetting);
        if (postgres is null)
            throw new SettingsException($"{host.RedisSetting} is set, but the storage is a SQLite file, which belongs to one process: set " +
                $"{host.PostgresSetting} too, or remove {host.RedisSetting}.");
        return new ClusterSettings(postgres, parsed);
    }

    private static ConfigurationOptions Parse(string text, string setting)
    {
        ConfigurationOptions options;
        try
        {
            options = ConfigurationOptions.Parse(text);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or InvalidOperationException or OverflowException)
        {
            throw Unreadable(setting); // its message is not passed on: it may quote a part of the password
        }

        if (options.EndPoints.Count == 0 || options.EndPoints.Any(endpoint => endpoint is null)) throw Unreadable(setting);

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

    private static SettingsException Unreadable(string setting) => new($"{setting} cannot be read; it looks like redis:6379,password=… .");
}
