using Microsoft.Extensions.Logging;
using Notify.Client.Connection;

namespace Notify.Client;

/// <summary>
/// Tells the service what the device has handled, at most once an interval and never what is only buffered. A lost one does no
/// harm: the next says more, and a device that is behind gets some notifications again.
/// </summary>
internal sealed partial class Acknowledger(Func<HubSession?> current, TimeSpan interval, TimeProvider time, ILogger logger)
{
    private readonly object _gate = new();
    private long _handled;
    private long _sent;
    private bool _sending;

    /// <summary>Everything up to here has been handled. Lower than before: the log is another one.</summary>
    public void Moved(long version, CancellationToken stopping)
    {
        lock (_gate)
        {
            if (version < _handled) _sent = 0;
            _handled = version;
            if (_sending) return;
            _sending = true;
        }

        _ = SendAsync(stopping);
    }

    /// <summary>Another connection: what the last one did not take is said again.</summary>
    public void Resumed(CancellationToken stopping)
    {
        lock (_gate)
        {
            if (_handled == 0 || _sending) return;
            _sending = true;
        }

        _ = SendAsync(stopping);
    }

    /// <summary>The last chance before the connection is closed.</summary>
    public async Task FlushAsync(CancellationToken cancellationToken)
    {
        long version;
        lock (_gate) version = _handled > _sent ? _handled : 0;
        if (version > 0 && current() is { HasUser: true } session) await TrySendAsync(session, version, cancellationToken).ConfigureAwait(false);
    }

    private async Task SendAsync(CancellationToken stopping)
    {
        try
        {
            while (true)
            {
                long version;
                lock (_gate) version = _handled;
                if (version > _sent && current() is { HasUser: true } session && await TrySendAsync(session, version, stopping).ConfigureAwait(false))
                {
                    if (interval > TimeSpan.Zero) await Task.Delay(interval, time, stopping).ConfigureAwait(false);
                    lock (_gate)
                    {
                        if (_handled > _sent) continue;
                    }
                }

                return;
            }
        }
        catch (OperationCanceledException)
        {
            // The client stops; it flushes.
        }
        finally
        {
            lock (_gate) _sending = false;
        }
    }

    private async Task<bool> TrySendAsync(HubSession session, long version, CancellationToken cancellationToken)
    {
        try
        {
            await session.AckAsync(version, cancellationToken).ConfigureAwait(false);
            lock (_gate) _sent = version;
            return true;
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Log.NotAcknowledged(logger, version, e);
            return false;
        }
    }

    private static partial class Log
    {
        [LoggerMessage(9012, LogLevel.Debug, "Version {Version} was not acknowledged; the next acknowledgement includes it.")]
        public static partial void NotAcknowledged(ILogger logger, long version, Exception error);
    }
}
