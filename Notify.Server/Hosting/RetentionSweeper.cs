using Microsoft.Extensions.Options;
using Notify.Engine;
using Notify.Engine.Configuration;
using Notify.Storage.Log;

namespace Notify.Server.Hosting;

/// <summary>Looks after retention every <c>Notify:Retention:SweepInterval</c>. On several nodes the log sees to it that they do not collide.</summary>
internal sealed partial class RetentionSweeper(OpenedLog log, IOptions<NotifyOptions> options, TimeProvider time, ILogger<RetentionSweeper> logger)
    : NodeService
{
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var retention = options.Value.Retention;
        await log.Opened.WaitAsync(stoppingToken);
        using var timer = new PeriodicTimer(retention.SweepInterval, time);
        do
        {
            try
            {
                await log.SweepAsync(retention.MaxAge, stoppingToken);
            }
            catch (StorageUnavailableException exception)
            {
                Log.Postponed(logger, exception.Message);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                Log.Failed(logger, exception); // retention that stops for ever fills the disk: the next sweep tries again
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    private static partial class Log
    {
        [LoggerMessage(8030, LogLevel.Warning, "The retention sweep is postponed: storage does not answer. {Reason}")]
        public static partial void Postponed(ILogger logger, string reason);

        [LoggerMessage(8031, LogLevel.Error, "A retention sweep failed. The next one tries again.")]
        public static partial void Failed(ILogger logger, Exception exception);
    }
}
