using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

/// <summary>
/// A loopback port that was free a moment ago, for programs that must be told one. What can say itself where it listens
/// binds port 0 instead: between asking here and binding there, somebody else may take it.
/// </summary>
internal static class FreePort
{
    public static int Find()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }
}
