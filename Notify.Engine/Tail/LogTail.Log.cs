namespace Notify.Engine.Tail;

internal sealed partial class LogTail
{
    [LoggerMessage(2010, LogLevel.Information, "Following the log of epoch {Epoch} from version {Head}.")]
    private static partial void LogBegun(ILogger logger, Guid epoch, long head);

    [LoggerMessage(2011, LogLevel.Warning, "The log was replaced: epoch {Epoch}, head {Head}. Every client gets a Gap.")]
    private static partial void LogReplaced(ILogger logger, Guid epoch, long head);

    [LoggerMessage(2012, LogLevel.Error, "The log head {Head} is below this node's tail {Tail}: the database lost committed versions. A new epoch begins.")]
    private static partial void LogHeadWentBack(ILogger logger, long head, long tail);

    [LoggerMessage(2013, LogLevel.Error,
        "The log has a change of users or groups at version {Version}, but a message from another node had something else there. The node reads the log " +
        "again. Check who can send on the backplane (Redis or NOTIFY).")]
    private static partial void LogHidden(ILogger logger, long version);

    [LoggerMessage(2014, LogLevel.Critical, "This node stops: {Reason}")]
    private static partial void LogUnknownEntry(ILogger logger, string reason);

    [LoggerMessage(2015, LogLevel.Warning, "Cannot read the log: {Reason} The node retries.")]
    private static partial void LogUnreadable(ILogger logger, string reason);

    [LoggerMessage(2016, LogLevel.Warning, "The node has read the log again, up to version {End}. Clients that were sent a version from {From} on get a Gap.")]
    private static partial void LogReadAnew(ILogger logger, long from, long end);
}
