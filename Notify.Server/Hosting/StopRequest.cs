using System.Runtime.InteropServices;

namespace Notify.Server.Hosting;

/// <summary>
/// Whether the process has been told to stop. Listened for from the first line of the program on: the host does so only once it has
/// been built, and a rollout that is taken back, or <c>docker compose stop</c> just after <c>up</c>, comes before.
/// </summary>
internal sealed class StopRequest : IDisposable
{
    private readonly CancellationTokenSource _requested = new();
    private readonly PosixSignalRegistration[] _signals;

    public StopRequest() =>
        _signals = [.. new[] { PosixSignal.SIGTERM, PosixSignal.SIGINT, PosixSignal.SIGQUIT }.Select(signal => PosixSignalRegistration.Create(signal, Take))];

    /// <summary>Cancelled by the first signal.</summary>
    public CancellationToken Token => _requested.Token;

    public void Dispose()
    {
        // The source is not disposed: a signal that is being handled may still come to it, and it holds nothing.
        foreach (var signal in _signals) signal.Dispose();
    }

    private void Take(PosixSignalContext context)
    {
        context.Cancel = true; // the process ends by itself, with its own exit code
        _requested.Cancel();
    }
}
