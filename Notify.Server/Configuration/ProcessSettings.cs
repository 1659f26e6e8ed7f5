using System.Globalization;
using Notify.Engine.Configuration;

namespace Notify.Server.Configuration;

/// <summary>
/// The settings outside <c>Notify:</c> that the process takes, most of them ASP.NET's and OpenTelemetry's own. Both read what they
/// know and pass over everything else; here a slip stops the start.
/// </summary>
internal static class ProcessSettings
{
    internal const string FormatterName = "Logging:Console:FormatterName";
    private const string OtlpEndpoint = "OTEL_EXPORTER_OTLP_ENDPOINT";
    private const string ForwardedHeaders = "ASPNETCORE_FORWARDEDHEADERS_ENABLED";

    private static readonly string[] Formatters = ["simple", "json", "systemd"];
    private static readonly string[] OtlpEndpoints = [OtlpEndpoint, "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT"];
    private static readonly string[] OtlpProtocols =
        ["OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL", "OTEL_EXPORTER_OTLP_METRICS_PROTOCOL"];

    private static readonly (string Key, string Allowed)[] Described =
    [
        ("Urls", $"where to listen, such as {ListenAddresses.Default}"),
        ("ConnectionStrings:Postgres", "such as Host=db;Database=notify;Username=notify;Password=…"),
        ("ConnectionStrings:Redis", "such as redis:6379,password=…"),
        (ForwardedHeaders, "true behind a proxy that sends X-Forwarded-For; a variable"),
        (FormatterName, string.Join(", ", Formatters)),
        (OtlpEndpoint, "where traces and metrics go, such as http://localhost:4317; a variable"),
    ];

    private static readonly string[] Sections = [NotifyOptions.Section, "ConnectionStrings", "Logging", "Kestrel"];

    // ASP.NET's own. As variables they have the prefix ASPNETCORE_ or DOTNET_.
    private static readonly string[] OfTheHost =
    [
        "Urls", "HTTP_PORTS", "HTTPS_PORTS", "HTTPS_PORT", "Environment", "ContentRoot", "ApplicationName", "AllowedHosts", "ForwardedHeaders_Enabled",
        "WebRoot", "ShutdownTimeoutSeconds", "PreventHostingStartup", "HostingStartupAssemblies", "HostingStartupExcludeAssemblies", "StartupAssembly",
        "DetailedErrors", "CaptureStartupErrors", "SuppressStatusMessages", "PreferHostingUrls",
    ];

    private static readonly string[] HostPrefixes = ["ASPNETCORE_", "DOTNET_"];

    /// <summary>Each one's key, and what it may be.</summary>
    public static IEnumerable<(string Key, string Allowed)> Describe() => Described;

    /// <summary>A key on the command line, where nothing is meant for another program.</summary>
    /// <exception cref="SettingsException">There is no such setting.</exception>
    public static void CheckKey(string key)
    {
        if (Is(key, OfTheHost) || Is(key, Sections) || key.StartsWith("OTEL_", StringComparison.OrdinalIgnoreCase)) return;
        var section = key.Split(':', 2)[0];
        if (key.Contains(':', StringComparison.Ordinal) && (Is(section, Sections) || section.Equals("hostBuilder", StringComparison.OrdinalIgnoreCase))) return;
        throw new SettingsException($"The setting {key} is unknown.{Hint(key)} --help lists them.");
    }

    /// <summary>Checks what is configured.</summary>
    /// <param name="configuration">From every source.</param>
    /// <param name="variables">The names of the process's variables: some of them may be meant for this program and miss it.</param>
    /// <exception cref="SettingsException">Something is wrong, and what.</exception>
    public static void Check(IConfiguration configuration, IEnumerable<string> variables)
    {
        CheckSections(configuration);
        foreach (var variable in variables) CheckVariable(variable);
        if (configuration[FormatterName] is { Length: > 0 } formatter && !Is(formatter, Formatters))
            throw Wrong(FormatterName, formatter, string.Join(", ", Formatters[..^1]) + " or " + Formatters[^1]);
        CheckExport(configuration);
    }

    private static void CheckExport(IConfiguration configuration)
    {
        foreach (var key in OtlpEndpoints)
        {
            if (configuration[key] is not { Length: > 0 } endpoint) continue;
            var isAddress = Uri.TryCreate(endpoint, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.Host.Length > 0;
            if (!isAddress) throw Wrong(key, endpoint, "an address, such as http://localhost:4317");
        }

        foreach (var key in OtlpProtocols)
        {
            if (configuration[key] is { Length: > 0 } protocol && protocol is not ("grpc" or "http/protobuf"))
                throw Wrong(key, protocol, "grpc or http/protobuf");
        }

        const string timeout = "OTEL_EXPORTER_OTLP_TIMEOUT";
        if (configuration[timeout] is { Length: > 0 } time && !int.TryParse(time, NumberStyles.None, CultureInfo.InvariantCulture, out _))
            throw Wrong(timeout, time, "a whole number of milliseconds");
    }

    // A section of a file, or of variables, whose name is nearly one of ours: all of it would be passed over.
    private static void CheckSections(IConfiguration configuration)
    {
        foreach (var section in configuration.GetChildren().Where(section => section.Value is null && !Is(section.Key, Sections)))
        {
            if (Array.Find(Sections, known => Spelling.Distance(known, section.Key) is > 0 and <= 2) is { } meant)
                throw new SettingsException($"The settings below {section.Key} are unknown. Did you mean {meant}?");
        }
    }

    // Many variables begin with the name of a service (a cluster's NOTIFY_SERVICE_HOST, a client's NOTIFY_URL): only one that says
    // what a setting says, in other signs, is a slip.
    private static void CheckVariable(string variable)
    {
        if (Array.Find(HostPrefixes, prefix => variable.StartsWith(prefix, StringComparison.OrdinalIgnoreCase)) is { } prefix)
        {
            CheckHostVariable(variable, prefix);
            return;
        }

        if (Is(variable, OtlpEndpoints)) return;
        var known = NotifySettings.Describe().Concat(Described).Select(setting => setting.Key.Replace(":", "__", StringComparison.Ordinal));
        foreach (var name in known.Where(name => !name.StartsWith("Notify__AllowedOrigins", StringComparison.Ordinal) && name != "Urls"))
        {
            if (variable.Equals(name, StringComparison.OrdinalIgnoreCase)
                || variable.Equals(name.Replace("__", ":", StringComparison.Ordinal), StringComparison.OrdinalIgnoreCase)) return;
            if (Spelling.Distance(Letters(name), Letters(variable)) <= 1)
                throw new SettingsException($"The variable {variable} is unknown. Did you mean {name}?");
        }
    }

    private static void CheckHostVariable(string variable, string prefix)
    {
        var key = variable[prefix.Length..];
        if (Is(key, OfTheHost)) return;
        if (Array.Find(OfTheHost, known => known.Length > 3 && Spelling.Distance(Letters(known), Letters(key)) <= 1) is { } meant)
            throw new SettingsException($"The variable {variable} is unknown. Did you mean {prefix}{meant.ToUpperInvariant()}?");
    }

    private static string Hint(string key)
    {
        if (key.Equals("port", StringComparison.OrdinalIgnoreCase) || key.Equals("host", StringComparison.OrdinalIgnoreCase))
            return $" Where to listen is --Urls={ListenAddresses.Default}.";
        var nearest = NotifySettings.Describe().Concat(Described).Select(setting => setting.Key)
            .Concat(NotifySettings.Describe().Select(setting => setting.Key[(NotifyOptions.Section.Length + 1)..]))
            .MinBy(known => Spelling.Distance(known, key))!;
        if (!Spelling.IsNear(nearest, key)) return "";
        var isWhole = Described.Any(known => known.Key == nearest) || nearest.StartsWith(NotifyOptions.Section, StringComparison.Ordinal);
        return $" Did you mean {(isWhole ? nearest : $"{NotifyOptions.Section}:{nearest}")}?";
    }

    private static string Letters(string name) => string.Concat(name.Where(char.IsLetterOrDigit));

    private static bool Is(string name, string[] known) => known.Contains(name, StringComparer.OrdinalIgnoreCase);

    private static SettingsException Wrong(string key, string value, string allowed) => new($"The setting {key} is '{value}', but must be {allowed}.");
}
