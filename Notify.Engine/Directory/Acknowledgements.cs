using Notify.Engine.Delivery.Sessions;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Engine.Directory;

/// <summary>
/// What devices have acknowledged, on its way to storage: gathered for a second and stored together, at once when the
/// device's connection ends in an orderly way and when the node stops. A crash repeats what came in the last second.
/// </summary>
internal sealed partial class Acknowledgements(INotificationLog log, SessionRegistry sessions, ILogger<Acknowledgements> logger) : NodeService
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly SemaphoreSlim _leaving = new(0);
    private Dictionary<(long User, string Device), Acknowledgement> _waiting = [];
    private bool _isTold;

    /// <summary>Everything up to this version has arrived at the device. Never goes back within an epoch.</summary>
    public void Add(Acknowledgement acknowledged)
    {
        lock (_gate) Merge(_waiting, acknowledged);
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        sessions.Removed += StoreSoon;
        try
        {
            while (!stoppingToken.IsCancellationRequested)
            {
                await _leaving.WaitAsync(Interval, stoppingToken);
                await StoreAsync(stoppingToken);
            }
        }
        catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
        {
        }
        finally
        {
            sessions.Removed -= StoreSoon;
            await StoreAsync(CancellationToken.None);
        }
    }

    private void StoreSoon(DeliverySession session)
    {
        if (session.Device is null || session.User is null) return;
        bool waits;
        lock (_gate) waits = _waiting.Keys.Any(key => key.Device == session.Device);
        if (waits) _leaving.Release();
    }

    private async Task StoreAsync(CancellationToken cancellationToken)
    {
        while (_leaving.CurrentCount > 0) await _leaving.WaitAsync(CancellationToken.None);
        Dictionary<(long, string), Acknowledgement> taken;
        lock (_gate) (taken, _waiting) = (_waiting, []);
        if (taken.Count == 0) return;
        try
        {
            await log.Directory.AcknowledgeAsync(taken.Values, cancellationToken);
            _isTold = false;
        }
        catch (Exception exception) when (exception is StorageUnavailableException or OperationCanceledException)
        {
            lock (_gate)
            {
                foreach (var acknowledged in taken.Values) Merge(_waiting, acknowledged);
            }

            if (!_isTold) LogNotStored(logger, taken.Count, exception.Message);
            _isTold = true;
        }
    }

    private static void Merge(Dictionary<(long, string), Acknowledgement> into, Acknowledgement acknowledged)
    {
        var key = (acknowledged.User, acknowledged.Device);
        if (!into.TryGetValue(key, out var known) || known.Epoch != acknowledged.Epoch || known.Version < acknowledged.Version) into[key] = acknowledged;
    }

    public override void Dispose()
    {
        _leaving.Dispose();
        base.Dispose();
    }

    [LoggerMessage(5001, LogLevel.Warning,
        "Acknowledgements of {Count} devices could not be stored ({Cause}). They are kept in memory and stored when storage answers again.")]
    private static partial void LogNotStored(ILogger logger, int count, string cause);
}
