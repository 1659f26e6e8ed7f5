using System.Net;

namespace Notify.Server.Authentication;

/// <summary>How callers without a credential are treated. Decided once at start, or at first contact with storage.</summary>
internal enum AccessMode
{
    /// <summary>Storage has not been reached: whether there are API keys is not known, and everything is answered 503.</summary>
    Undecided,

    /// <summary>Everything is allowed, from this machine alone.</summary>
    Development,

    /// <summary><c>AllowAnonymous</c> alone: every caller may use every topic, no People, and no credential is accepted.</summary>
    Everybody,

    /// <summary>Credentials decide; a caller without one has the anonymous grants.</summary>
    Closed,
}

/// <summary>The door as it stands. It closes when a first API key is stored, and never opens again.</summary>
internal sealed class CurrentAccessMode
{
    private int _mode;

    public AccessMode Now => (AccessMode)Volatile.Read(ref _mode);

    /// <summary>What was decided; from a closed door on nothing changes it.</summary>
    public void Decide(AccessMode mode)
    {
        if (Now != AccessMode.Closed) Volatile.Write(ref _mode, (int)mode);
    }

    /// <summary>Whether the request came from this machine and asks for it by a name of this machine.</summary>
    /// <remarks>By name too: a page whose name was made to point at 127.0.0.1 (DNS rebinding) sends no <c>Origin</c> when it reads from "itself".</remarks>
    public static bool IsLocal(HttpContext context)
    {
        var connection = context.Connection;
        return IsLoopback(connection.RemoteIpAddress) && IsLoopback(connection.LocalIpAddress) && IsLocalName(context.Request.Host.Host);
    }

    // Null on Unix sockets and named pipes.
    private static bool IsLoopback(IPAddress? address) => address is null || IPAddress.IsLoopback(address);

    private static bool IsLocalName(string host) =>
        host.Length == 0
        || host.Equals("localhost", StringComparison.OrdinalIgnoreCase)
        || host.EndsWith(".localhost", StringComparison.OrdinalIgnoreCase)
        || IPAddress.TryParse(host.Trim('[', ']'), out _);
}
