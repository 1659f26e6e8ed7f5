using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Log;

namespace Notify.Engine.Presence;

/// <summary>
/// Remembers in the directory when users were last seen: when a connection goes, and now and then while it is there, so that a
/// killed node loses minutes. Coarse, many at a time, without an entry of the log.
/// </summary>
internal sealed partial class LastSeen(SessionRegistry sessions, INotificationLog log, TimeProvider time, ILogger<LastSeen> logger) : NodeService
{
    private static readonly TimeSpan StoreEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan StoreAllEvery = TimeSpan.FromMinutes(5);
    private static readonly TimeSpan Coarse = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan StopWithin = TimeSpan.FromSeconds(2);

    /// <summary>Users in one statement.</summary>
    private const int AtATime = 1000;

    private readonly Lock _gate = new();
    private readonly Occasionally _logFailure = new(time, TimeSpan.FromSeconds(30));
    private HashSet<string> _seen = new(StringComparer.Ordinal);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sessions.Removed += Left;
        try
        {
            using var timer = new PeriodicTimer(StoreEvery, time);
            var all = time.GetTimestamp();
            while (await timer.WaitForNextTickAsync(stoppingToken))
            {
                if (time.GetElapsedTime(all) >= StoreAllEvery)
                {
                    all = time.GetTimestamp();
                    foreach (var session in sessions.All) Left(session);
                }

                await StoreAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        catch (NotSupportedException)
        {
            // A log without a list of nodes.
        }
        finally
        {
            sessions.Removed -= Left;
        }
    }

    public override async Task StopAsync(CancellationToken cancellationToken)
    {
        await base.StopAsync(cancellationToken);
        await StoreAsync(cancellationToken).WaitAsync(StopWithin, time, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    private void Left(DeliverySession session)
    {
        if (session.User is null) return;
        lock (_gate) _seen.Add(session.User);
    }

    private async Task StoreAsync(CancellationToken cancellationToken)
    {
        HashSet<string> seen;
        lock (_gate)
        {
            if (_seen.Count == 0) return;
            (seen, _seen) = (_seen, new HashSet<string>(StringComparer.Ordinal));
        }

        try
        {
            foreach (var chunk in seen.Chunk(AtATime)) await log.Nodes.SeenAsync(chunk, Coarse, cancellationToken);
        }
        catch (StorageUnavailableException exception)
        {
            if (_logFailure.Now(out _)) LogNotStored(logger, seen.Count, exception.Message);
        }
    }

    [LoggerMessage(5201, LogLevel.Warning,
        "The last-seen times of {Count} users could not be stored ({Cause}). They are updated when the users are seen again.")]
    private static partial void LogNotStored(ILogger logger, int count, string cause);
}
