using Notify.Server.Configuration;
using Notify.Storage;
using Notify.Storage.Log;

namespace Notify.Server.Hosting;

/// <summary>How a log is opened; a test opens another one.</summary>
internal delegate Task<INotificationLog> LogOpener(CancellationToken cancellationToken);

/// <summary>
/// Opens the log when the process starts, and keeps trying while the database is away: the process is alive and not
/// ready meanwhile, so that a database which starts later needs no restart of the service. A setting that cannot work
/// stops the start. When that shows only later, it stops the service's own process; an app it is a guest of goes on.
/// </summary>
internal sealed partial class LogOpening(OpenedLog opened, LogOpener open, AccessModeDecision accessMode, TimeProvider time, IHostApplicationLifetime lifetime,
    NotifyHost host, ILogger<LogOpening> logger)
    : IHostedService, IDisposable
{
    // The usual start is done within this, and the first request then finds the log open. A mistaken setting shows
    // within it too, and can still be the start's failure.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _unavailable = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Task _opening = Task.CompletedTask;
    private volatile bool _startIsOver;

    /// <summary>Why the start failed after it looked well.</summary>
    public Exception? Misconfigured { get; private set; }

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var opening = OpenAsync(_stop.Token);
        try
        {
            if (accessMode.MayRefuse) await Task.WhenAny(opening, _unavailable.Task).WaitAsync(cancellationToken); // nothing else starts before it is known
            await opening.WaitAsync(Patience, time, cancellationToken);
        }
        catch (Exception exception) when (exception is TimeoutException || cancellationToken.IsCancellationRequested)
        {
            _startIsOver = true;
            _opening = WatchAsync(opening); // for the stop too: it waits until whatever is being done to the database has been given up
            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await _opening.WaitAsync(cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }

    public void Dispose() => _stop.Dispose();

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        for (var pause = FirstPause; ; pause = pause * 2 < LongestPause ? pause * 2 : LongestPause)
        {
            try
            {
                opened.Open(await OpenDecidedAsync(cancellationToken));
                Log.Opened(logger, opened.Place);
                return;
            }
            catch (StorageUnavailableException exception)
            {
                _unavailable.TrySetResult();
                Log.NotYet(logger, pause.TotalSeconds, exception.Message);
            }
            catch (StorageMisconfiguredException exception) when (!host.IsOwnProcess && _startIsOver)
            {
                Log.Wrong(logger, LongestPause.TotalSeconds, exception.Message);
                pause = LongestPause;
            }

            await Task.Delay(pause, time, cancellationToken);
        }
    }

    // The access mode is decided before the log is used: until then every call is answered 503.
    private async Task<INotificationLog> OpenDecidedAsync(CancellationToken cancellationToken)
    {
        var log = await open(cancellationToken);
        try
        {
            await accessMode.DecideAsync(log, cancellationToken);
            return log;
        }
        catch
        {
            await log.DisposeAsync();
            throw;
        }
    }

    private async Task WatchAsync(Task opening)
    {
        try
        {
            await opening;
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // Stopped before the database came.
        }
        catch (Exception exception) when (exception is StorageMisconfiguredException or SettingsException)
        {
            Fail(exception);
        }
        catch (Exception exception)
        {
            Log.Failed(logger, exception);
            Fail(new StorageMisconfiguredException("The storage cannot be opened; the log above says why.", exception));
        }
    }

    // An app goes on without the service, which is not ready and answers 503.
    private void Fail(Exception exception)
    {
        Misconfigured = exception;
        if (host.IsOwnProcess) lifetime.StopApplication();
    }

    private static partial class Log
    {
        [LoggerMessage(8020, LogLevel.Information, "The log is open: {Storage}.")]
        public static partial void Opened(ILogger logger, string storage);

        [LoggerMessage(8021, LogLevel.Warning, "Storage does not answer; publishes are answered 503 until it does. The node retries in {Seconds} s. {Reason}")]
        public static partial void NotYet(ILogger logger, double seconds, string reason);

        [LoggerMessage(8022, LogLevel.Error,
            "Storage answers but cannot be used; publishes are answered 503. Correct its configuration; the node retries in {Seconds} s. {Reason}")]
        public static partial void Wrong(ILogger logger, double seconds, string reason);

        [LoggerMessage(8023, LogLevel.Critical, "Opening the log failed unexpectedly.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
