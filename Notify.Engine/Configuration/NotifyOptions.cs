using Notify.Storage;

namespace Notify.Engine.Configuration;

/// <summary>The settings below <c>Notify:</c>, with their defaults. Times are TimeSpans, sizes bytes.</summary>
public sealed class NotifyOptions
{
    /// <summary>The section of the configuration that they are in.</summary>
    public const string Section = "Notify";

    /// <summary>The Postgres connection string; without one the log is a SQLite file.</summary>
    public string? Postgres { get; set; }

    /// <summary>What joins several nodes on one Postgres, such as <c>redis:6379,password=…</c>; without it they use LISTEN/NOTIFY.</summary>
    public string? Redis { get; set; }

    /// <summary>Where the log is, and how it is opened.</summary>
    public StorageSettings Storage { get; set; } = new();

    /// <summary>Which credentials are taken, and what they allow.</summary>
    public AuthSettings Auth { get; set; } = new();

    /// <summary>Browser origins that may connect besides the service's own, such as <c>https://shop.example</c>.</summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>Addresses and networks of proxies whose forwarded headers are believed.</summary>
    public IList<string> KnownProxies { get; } = [];

    /// <summary>The service's own process shows a page at <c>/</c>: in Development to try it with, elsewhere what runs here.</summary>
    public bool FrontPage { get; set; } = true;

    /// <summary>How long notifications are kept.</summary>
    public RetentionSettings Retention { get; set; } = new();

    /// <summary>How long inbox items are kept.</summary>
    public InboxSettings Inbox { get; set; } = new();

    /// <summary>How much of everything there may be.</summary>
    public LimitSettings Limits { get; set; } = new();
}

/// <summary>Where the log is, and how it is opened.</summary>
public sealed class StorageSettings
{
    /// <summary>The SQLite file that is used without Postgres.</summary>
    public string SqlitePath { get; set; } = "data/notify.db";

    /// <summary>
    /// The schema on Postgres, made when missing. Installations of versions without this setting stay where they are until
    /// <c>move-schema</c>.
    /// </summary>
    public string Schema { get; set; } = StorageOptions.DefaultSchema;

    /// <summary>Bring the schema up to date at start.</summary>
    public bool MigrateAtStart { get; set; } = true;

    /// <summary>How long the log may be unreadable until connections are closed, with reconnect allowed. A database's failover should fit in.</summary>
    public TimeSpan UnreadableLimit { get; set; } = TimeSpan.FromSeconds(30);
}

/// <summary>How long notifications are kept.</summary>
public sealed class RetentionSettings
{
    /// <summary>How long notifications stay replayable.</summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(30);

    /// <summary>How often the retention sweep runs.</summary>
    public TimeSpan SweepInterval { get; set; } = TimeSpan.FromMinutes(1);
}

/// <summary>How long inbox items are kept.</summary>
public sealed class InboxSettings
{
    /// <summary>
    /// How long inbox items of users' own topics and of groups are kept although the log drops them. Never less than
    /// <c>Retention:MaxAge</c>.
    /// </summary>
    public TimeSpan MaxAge { get; set; } = TimeSpan.FromDays(365);
}

/// <summary>Limits; where 0 is allowed it means none.</summary>
public sealed class LimitSettings
{
    /// <summary>JSON bytes of one notification as received.</summary>
    public int PayloadBytes { get; set; } = 64 * 1024;

    /// <summary>Notifications in one batch call.</summary>
    public int BatchSize { get; set; } = 1000;

    /// <summary>Topic filters that one connection may hold.</summary>
    public int FiltersPerConnection { get; set; } = 1000;

    /// <summary>Notifications queued for one connection; beyond it the session falls back to catching up.</summary>
    public int SessionQueueEntries { get; set; } = 4000;

    /// <summary>Bytes queued for one connection; beyond it the session falls back to catching up.</summary>
    public int SessionQueueBytes { get; set; } = 1024 * 1024;

    /// <summary>Notifications waiting to be stored; beyond it publishers get 503.</summary>
    public int PublishQueueEntries { get; set; } = 50_000;

    /// <summary>Bytes waiting to be stored; beyond it publishers get 503.</summary>
    public long PublishQueueBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>
    /// How far a node's delivery to clients that keep up may be behind, from commit to connection; beyond it publishers wait. 0: they
    /// never wait for delivery.
    /// </summary>
    public TimeSpan DeliveryLag { get; set; } = TimeSpan.FromMilliseconds(200);

    /// <summary>
    /// Bytes of request bodies above 64 KiB that are being read at a time, beyond which callers get 503; 0: an eighth of the memory of
    /// the process or its container, at most 128 MiB. One body alone is always read.
    /// </summary>
    public long RequestBytes { get; set; }

    /// <summary>
    /// Bytes that a node keeps for sharing between connections: the newest notifications, older blocks, encoded pages; 0: a sixth of
    /// the memory of the process or its container, at most 192 MiB.
    /// </summary>
    public long SharedBytes { get; set; }

    /// <summary>Publishing requests a second and caller; 0: no limit.</summary>
    public int RequestsPerSecond { get; set; }

    /// <summary>Connections of the process; 0: as many as its limit of open files leaves room for.</summary>
    public int Connections { get; set; }

    /// <summary>Hub connections and streams a user; 0: no limit.</summary>
    public int ConnectionsPerUser { get; set; }

    /// <summary>Groups that a user may be in; 0: no limit.</summary>
    public int GroupsPerUser { get; set; } = 1000;

    /// <summary>Durable subscriptions that a user may have; 0: no limit.</summary>
    public int SubscriptionsPerUser { get; set; } = 1000;
}
