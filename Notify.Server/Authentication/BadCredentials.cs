using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Threading.RateLimiting;

namespace Notify.Server.Authentication;

/// <summary>
/// Counts bad credentials by address: a guesser gets 429 instead of 401, and its guesses are no longer logged one by one. It is
/// asked only once a credential was found bad, so a good one from the same address is never rejected.
/// </summary>
internal sealed class BadCredentials : IDisposable
{
    /// <summary>Bad ones a minute and address.</summary>
    public const int Limit = 30;

    private const int NetworkBytes = 8; // IPv6 /64: one customer's network, of which it picks addresses at will
    private static readonly TimeSpan Window = TimeSpan.FromMinutes(1);

    private readonly PartitionedRateLimiter<string> _limiter = PartitionedRateLimiter.Create<string, string>(address =>
        RateLimitPartition.GetFixedWindowLimiter(address, _ => new FixedWindowRateLimiterOptions { PermitLimit = Limit, Window = Window, QueueLimit = 0 }));

    /// <summary>Counts one more; false when there were too many, and then for how long.</summary>
    public bool Count(IPAddress? address, out TimeSpan retryAfter)
    {
        using var lease = _limiter.AttemptAcquire(Network(address));
        retryAfter = lease.TryGetMetadata(MetadataName.RetryAfter, out var after) ? after : Window;
        return lease.IsAcquired;
    }

    /// <summary>What is counted as one caller: an IPv4 address, an IPv6 network of 64 bits.</summary>
    public static string Network(IPAddress? address)
    {
        if (address is null) return "local"; // a Unix socket
        if (address.IsIPv4MappedToIPv6) address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6) return address.ToString();
        var bytes = address.GetAddressBytes();
        return string.Create(CultureInfo.InvariantCulture, $"{new IPAddress([.. bytes.AsSpan(0, NetworkBytes), 0, 0, 0, 0, 0, 0, 0, 0])}/64");
    }

    public void Dispose() => _limiter.Dispose();
}
