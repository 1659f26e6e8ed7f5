using System.Net;

namespace Notify.Server.Configuration;

/// <summary>Where the process listens: checked before it does, so that a slip is a sentence and Development stays on this machine.</summary>
internal static class ListenAddresses
{
    /// <summary>Without any setting.</summary>
    internal const string Default = "http://localhost:5080";

    private const string Urls = "Urls";
    private static readonly string[] PortKeys = ["HTTP_PORTS", "HTTPS_PORTS"];

    /// <summary>Checks what is configured; the default goes to <paramref name="useDefault"/> when nothing is.</summary>
    /// <exception cref="SettingsException">An address is none, or not a loopback one in Development.</exception>
    public static void Check(IConfiguration configuration, IHostEnvironment environment, Action<string> useDefault)
    {
        var endpoints = configuration.GetSection("Kestrel:Endpoints").GetChildren()
            .Select(endpoint => (Key: $"Kestrel:Endpoints:{endpoint.Key}:Url", Value: endpoint["Url"] ?? ""));
        var urls = (configuration[Urls] ?? "").Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)
            .Select(url => (Key: Urls, Value: url));
        var ports = PortKeys.Select(key => (Key: key, Value: configuration[key])).Where(port => !string.IsNullOrEmpty(port.Value)).ToArray();
        var addresses = endpoints.Concat(urls).ToArray();

        var open = environment.IsDevelopment() && !HasTokens(configuration);
        foreach (var (key, value) in addresses) CheckAddress(key, value, open);
        if (addresses.Length > 0) return;
        if (ports.Length == 0) useDefault(Default);
        else if (open) throw OnlyLoopback(ports[0].Key, ports[0].Value!);
    }

    private static void CheckAddress(string key, string value, bool open)
    {
        BindingAddress address;
        try
        {
            address = BindingAddress.Parse(value);
        }
        catch (FormatException)
        {
            throw Bad(key, value);
        }

        if (!address.IsUnixPipe && !address.IsNamedPipe && (address.Port is < 0 or > ushort.MaxValue || address.Host.Length == 0)) throw Bad(key, value);
        if (address.PathBase.Length > 0)
            throw new SettingsException($"The setting {key} is '{value}', but must be without a path: the service is at the root of its address. A proxy in " +
                $"front can put it below '{address.PathBase}'.");
        if (address.Scheme is not ("http" or "https")) throw Bad(key, value);
        if (address.Port == 0 && IsLocalhost(address.Host))
            throw new SettingsException($"The setting {key} is '{value}', but a port that the system picks needs one address: http://127.0.0.1:0.");
        if (open && !IsLoopback(address)) throw OnlyLoopback(key, value);
    }

    private static SettingsException Bad(string key, string value) =>
        new($"The setting {key} is '{value}', but must be addresses such as {Default}, separated by semicolons.");

    private static SettingsException OnlyLoopback(string key, string value) =>
        new($"The setting {key} is '{value}', but in Development without a key or an authority no token is needed, so the service listens on this machine " +
            $"only: use {Default}, set Notify:Auth:SigningKey, or use another environment.");

    // Read before the settings are, which need a host; a mistake in them is told there.
    private static bool HasTokens(IConfiguration configuration)
    {
        var auth = configuration.GetSection("Notify:Auth");
        return !string.IsNullOrEmpty(auth["SigningKey"]) || !string.IsNullOrEmpty(auth["Authority"]) || auth.GetSection("SigningKeys").GetChildren()
            .Any(key => !string.IsNullOrEmpty(key.Value));
    }

    private static bool IsLoopback(BindingAddress address) =>
        address.IsUnixPipe || address.IsNamedPipe || IsLocalhost(address.Host)
            || (IPAddress.TryParse(address.Host.Trim('[', ']'), out var ip) && IPAddress.IsLoopback(ip));

    private static bool IsLocalhost(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase);
}
