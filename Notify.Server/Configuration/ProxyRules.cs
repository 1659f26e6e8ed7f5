using System.Net;
using Microsoft.AspNetCore.HttpOverrides;
using Notify.Engine.Configuration;

namespace Notify.Server.Configuration;

/// <summary><c>Notify:KnownProxies</c>: the proxies whose forwarded headers are trusted. Every client can send such headers.</summary>
internal static class ProxyRules
{
    public static bool IsAllowed(string text) => IPAddress.TryParse(text, out _) || System.Net.IPNetwork.TryParse(text, out _);

    /// <summary>Believes the address and the scheme that these proxies pass on, however many of them stand in a row.</summary>
    public static void Apply(ForwardedHeadersOptions forwarded, NotifyOptions options)
    {
        if (options.KnownProxies.Count == 0) return;
        forwarded.ForwardedHeaders = ForwardedHeaders.XForwardedFor | ForwardedHeaders.XForwardedProto;
        forwarded.ForwardLimit = null;
        forwarded.KnownProxies.Clear();
        forwarded.KnownIPNetworks.Clear();
        foreach (var text in options.KnownProxies)
        {
            if (IPAddress.TryParse(text, out var address)) forwarded.KnownProxies.Add(address);
            else forwarded.KnownIPNetworks.Add(System.Net.IPNetwork.Parse(text));
        }
    }
}
