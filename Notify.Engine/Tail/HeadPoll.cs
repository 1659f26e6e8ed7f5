using Notify.Storage.Log;

namespace Notify.Engine.Tail;

/// <summary>Reads the log head every second, and at once on suspicion. A lost hint costs at most that second.</summary>
internal sealed partial class HeadPoll(TailPosition position, ILogger logger) : IDisposable
{
    private static readonly TimeSpan Interval = TimeSpan.FromSeconds(1);

    private readonly SemaphoreSlim _now = new(0, 1);
    private bool _told;

    public async Task RunAsync(Action<LogHead> seen, CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                seen(await position.RefreshAsync(stoppingToken));
                if (_told) Log.ReadableAgain(logger);
                _told = false;
            }
            catch (StorageUnavailableException e)
            {
                // Once, and not every second for as long as the database is away.
                if (!_told) Log.Unreadable(logger, e.Message);
                _told = true;
            }
            catch (OperationCanceledException) when (stoppingToken.IsCancellationRequested)
            {
                return;
            }
            catch (Exception e)
            {
                Log.Failed(logger, e); // a bug, and no reason to stop looking
            }

            var interval = position.View is null ? Interval / 10 : Interval;
            await Task.WhenAny(_now.WaitAsync(interval, stoppingToken)); // a stop ends the wait too
        }
    }

    /// <summary>Without waiting for the interval to end.</summary>
    public void Soon()
    {
        try
        {
            if (_now.CurrentCount == 0) _now.Release();
        }
        catch (SemaphoreFullException)
        {
            // Another caller asked at the same time.
        }
    }

    public void Dispose() => _now.Dispose();

    private static partial class Log
    {
        [LoggerMessage(2001, LogLevel.Warning, "Cannot read the log head: {Reason} The node retries every second.")]
        public static partial void Unreadable(ILogger logger, string reason);

        [LoggerMessage(2002, LogLevel.Information, "The log head can be read again.")]
        public static partial void ReadableAgain(ILogger logger);

        [LoggerMessage(2003, LogLevel.Error, "Reading the log head failed unexpectedly. The node retries every second.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
