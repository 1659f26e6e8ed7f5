using Notify.Engine.Configuration;

namespace Notify.Server.Configuration;

/// <summary>Reads and checks the settings below <c>Notify:</c>, all of them, before anything starts.</summary>
internal static class NotifySettings
{
    private const string Origins = nameof(NotifyOptions.AllowedOrigins);
    private const int Mebibyte = 1024 * 1024;

    // Upper bounds are where a number is surely a slip (or would overflow a sum), not recommendations.
    private static readonly Setting[] Known =
    [
        Setting.Text("Postgres", (o, v) => o.Postgres = v),
        Setting.Text("Redis", (o, v) => o.Redis = v),
        Setting.Text("Storage:SqlitePath", (o, v) => o.Storage.SqlitePath = v),
        Setting.SchemaName("Storage:Schema", (o, v) => o.Storage.Schema = v),
        Setting.Flag("Storage:MigrateAtStart", (o, v) => o.Storage.MigrateAtStart = v),
        Setting.Time("Storage:UnreadableLimit", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), (o, v) => o.Storage.UnreadableLimit = v),
        new("Auth:SigningKey", $"at least {ListSetting.LeastKeyBytes} bytes of UTF-8", (o, v) =>
        {
            o.Auth.SigningKey = v;
            return ListSetting.IsSigningKey(v);
        }),
        Setting.Text("Auth:Authority", (o, v) => o.Auth.Authority = v),
        Setting.Text("Auth:Issuer", (o, v) => o.Auth.Issuer = v),
        Setting.Text("Auth:Audience", (o, v) => o.Auth.Audience = v),
        Setting.Flag("Auth:HostPrincipal", (o, v) => o.Auth.HostPrincipal = v),
        Setting.Flag("Auth:AllowAnonymous", (o, v) => o.Auth.AllowAnonymous = v),
        Setting.Flag("Auth:OpenInDevelopment", (o, v) => o.Auth.OpenInDevelopment = v),
        Setting.Flag("FrontPage", (o, v) => o.FrontPage = v),
        Setting.Time("Retention:MaxAge", TimeSpan.FromSeconds(1), TimeSpan.FromDays(36500), (o, v) => o.Retention.MaxAge = v),
        Setting.Time("Inbox:MaxAge", TimeSpan.FromSeconds(1), TimeSpan.FromDays(36500), (o, v) => o.Inbox.MaxAge = v),
        Setting.Time("Retention:SweepInterval", TimeSpan.FromSeconds(1), TimeSpan.FromDays(1), (o, v) => o.Retention.SweepInterval = v),
        Setting.Number("Limits:PayloadBytes", 256, 16 * Mebibyte, (o, v) => o.Limits.PayloadBytes = (int)v),
        Setting.Number("Limits:BatchSize", 1, 100_000, (o, v) => o.Limits.BatchSize = (int)v),
        Setting.Number("Limits:FiltersPerConnection", 1, 1_000_000, (o, v) => o.Limits.FiltersPerConnection = (int)v),
        Setting.Number("Limits:SessionQueueEntries", 1, 10_000_000, (o, v) => o.Limits.SessionQueueEntries = (int)v),
        Setting.Number("Limits:SessionQueueBytes", 1024, 1024 * Mebibyte, (o, v) => o.Limits.SessionQueueBytes = (int)v),
        Setting.Number("Limits:PublishQueueEntries", 1, 100_000_000, (o, v) => o.Limits.PublishQueueEntries = (int)v),
        Setting.Number("Limits:PublishQueueBytes", 1024, 64L * 1024 * Mebibyte, (o, v) => o.Limits.PublishQueueBytes = v),
        Setting.Time("Limits:DeliveryLag", TimeSpan.Zero, TimeSpan.FromMinutes(1), (o, v) => o.Limits.DeliveryLag = v),
        Setting.Number("Limits:RequestBytes", 0, 64L * 1024 * Mebibyte, (o, v) =>
            o.Limits.RequestBytes = v, zero: "for an eighth of the memory, at most 128 MiB"),
        Setting.Number("Limits:SharedBytes", 0, 64L * 1024 * Mebibyte, (o, v) => o.Limits.SharedBytes = v, zero: "for a sixth of the memory, at most 192 MiB"),
        Setting.Number("Limits:RequestsPerSecond", 0, 1_000_000_000, (o, v) => o.Limits.RequestsPerSecond = (int)v),
        Setting.Number("Limits:Connections", 0, 100_000_000, (o, v) =>
            o.Limits.Connections = (int)v, zero: "for what the process's limit of open files leaves room for"),
        Setting.Number("Limits:ConnectionsPerUser", 0, 1_000_000_000, (o, v) => o.Limits.ConnectionsPerUser = (int)v),
        Setting.Number("Limits:GroupsPerUser", 0, 1_000_000, (o, v) => o.Limits.GroupsPerUser = (int)v),
        Setting.Number("Limits:SubscriptionsPerUser", 0, 1_000_000, (o, v) => o.Limits.SubscriptionsPerUser = (int)v),
    ];

    /// <summary>Each one's whole key, and what it may be.</summary>
    public static IEnumerable<(string Key, string Allowed)> Describe() =>
    [
        .. Known.Select(setting => ($"{NotifyOptions.Section}:{setting.Key}", setting.Allowed)),
        ($"{NotifyOptions.Section}:{Origins}:0", "an origin, such as https://shop.example; the next one is :1"),
        .. ListSetting.All.Select(list => ($"{NotifyOptions.Section}:{list.Example}", list.Allowed)),
    ];

    /// <summary>The options, every value of them checked; what the app sets in code comes last.</summary>
    /// <exception cref="SettingsException">Something is wrong, and what.</exception>
    public static NotifyOptions Read(IConfiguration configuration, NotifyHost host, Action<NotifyOptions>? configure = null)
    {
        var options = new NotifyOptions();
        options.Auth.OpenInDevelopment = host.IsOwnProcess;
        var section = configuration.GetSection(NotifyOptions.Section);
        if (!string.IsNullOrEmpty(section.Value))
            throw new SettingsException($"The setting {NotifyOptions.Section} is not a value but what settings begin with, such as " +
                $"{NotifyOptions.Section}:{Known[0].Key}.");
        foreach (var (key, value) in section.AsEnumerable(makePathsRelative: true).OrderBy(pair => ListSetting.SortKey(pair.Key), StringComparer.Ordinal))
        {
            if (!string.IsNullOrEmpty(value)) Apply(options, key, value);
            else if (!section.GetSection(key).GetChildren().Any()) CheckEmpty(key);
        }

        if (host.IsOwnProcess) ConnectionStrings.Apply(configuration, options);
        if (configure is not null)
        {
            configure(options);
            CheckAll(options);
        }

        options.Auth.Embedded = !host.IsOwnProcess;
        AuthRules.Check(options);
        return options;
    }

    // What code sets is held to the same rules as what is configured.
    private static void CheckAll(NotifyOptions options)
    {
        var defaults = new NotifyOptions();
        foreach (var setting in Known)
        {
            var value = setting.ValueIn(options);
            if (value is null && setting.ValueIn(defaults) is null) continue;
            if (!setting.TryApply(options, value ?? ""))
                throw new SettingsException($"The option {setting.Key} is '{Shown(setting, value ?? "")}', but must be {setting.Allowed}.");
        }

        for (var i = 0; i < options.AllowedOrigins.Count; i++)
        {
            if (!OriginRule.TryNormalise(options.AllowedOrigins[i], out var origin))
                throw new SettingsException($"The option AllowedOrigins has '{options.AllowedOrigins[i]}', but must have origins: http or https, host, and " +
                    "port if it is not the usual one, such as https://shop.example.");
            options.AllowedOrigins[i] = origin;
        }
    }

    // What an empty array, an empty object or a blanked variable leaves: the default holds, but a wrong name is still wrong.
    private static void CheckEmpty(string key)
    {
        if (key.Equals(nameof(NotifyOptions.Postgres), StringComparison.OrdinalIgnoreCase)
            || key.Equals(nameof(NotifyOptions.Redis), StringComparison.OrdinalIgnoreCase))
            throw new SettingsException($"The setting Notify:{key} is empty: say where it is, or remove the setting."); // a variable that was not filled in
        if (key.Length == 0 || IsOrigins(key) || ListSetting.IsOrHolds(key) || Known.Any(setting => IsOrBelow(setting.Key, key))) return;
        throw Unknown(key);
    }

    private static void Apply(NotifyOptions options, string key, string value)
    {
        if (IsOrigins(key))
        {
            AddOrigin(options, key, value);
            return;
        }

        if (ListSetting.Find(key, out var number) is { } list)
        {
            if (!list.TryApply(options, number, value))
                throw new SettingsException($"The setting Notify:{key} is '{(list.IsSecret ? "…" : value)}', but must be {list.Allowed}.");
            return;
        }

        var setting = Array.Find(Known, known => known.Key.Equals(key, StringComparison.OrdinalIgnoreCase)) ?? throw Unknown(key);
        if (!setting.TryApply(options, value))
            throw new SettingsException($"The setting Notify:{setting.Key} is '{Shown(setting, value)}', but must be {setting.Allowed}.");
    }

    private static void AddOrigin(NotifyOptions options, string key, string value)
    {
        if (key.Equals(Origins, StringComparison.OrdinalIgnoreCase))
            throw new SettingsException($"The setting Notify:{Origins} is a list: in a file [\"https://shop.example\"], as a variable " +
                $"Notify__{Origins}__0=https://shop.example.");
        if (!OriginRule.TryNormalise(value, out var origin))
            throw new SettingsException($"The setting Notify:{key} is '{value}', but must be an origin: http or https, host, and port if it is not the " +
                "usual one, such as https://shop.example.");
        options.AllowedOrigins.Add(origin);
    }

    private static bool IsOrigins(string key) =>
        key.Equals(Origins, StringComparison.OrdinalIgnoreCase) || key.StartsWith(Origins + ':', StringComparison.OrdinalIgnoreCase);

    private static bool IsOrBelow(string setting, string key) =>
        setting.Equals(key, StringComparison.OrdinalIgnoreCase) || setting.StartsWith(key + ':', StringComparison.OrdinalIgnoreCase);

    private static SettingsException Unknown(string key)
    {
        var nearest = Known.Select(setting => setting.Key).Append(Origins).Concat(ListSetting.All.Select(list => list.Example))
            .MinBy(known => Spelling.Distance(known, key))!;
        var hint = Spelling.IsNear(nearest, key) ? $" Did you mean Notify:{nearest}?" : "";
        return new SettingsException($"The setting Notify:{key} is unknown.{hint}");
    }

    // A key that does not parse must not be printed with its value when the value may be a secret.
    private static string Shown(Setting setting, string value) => setting.Key.StartsWith("Auth:S", StringComparison.Ordinal) ? "…" : value;
}
