using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace Notify.Tests.Fixtures;

/// <summary>
/// A loopback port that belongs to a test until this is disposed, also while the program that listens on it is away. The system gives it
/// to nobody else, since a socket is bound to it; that socket does not listen, so connections are refused until the program does.
/// </summary>
/// <remarks>
/// A program that is told this port can bind it too: servers set SO_REUSEADDR, and .NET sets it here. A port that was only looked up could
/// be taken by another test's server before the program came back, and that server's answer be taken for the program's.
/// </remarks>
internal sealed class ReservedPort : IDisposable
{
    private readonly Socket _holder = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);

    public ReservedPort()
    {
        _holder.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        Number = ((IPEndPoint)_holder.LocalEndPoint!).Port;
    }

    public int Number { get; }

    public override string ToString() => Number.ToString(CultureInfo.InvariantCulture);

    public void Dispose() => _holder.Dispose();
}
