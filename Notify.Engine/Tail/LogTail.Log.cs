namespace Notify.Engine.Tail;

internal sealed partial class LogTail
{
    [LoggerMessage(LogLevel.Information, "The log of epoch {Epoch} is followed from version {Head}.")]
    private static partial void LogBegun(ILogger logger, Guid epoch, long head);

    [LoggerMessage(LogLevel.Warning, "The log was replaced: epoch {Epoch}, head {Head}. Every client gets a Gap.")]
    private static partial void LogReplaced(ILogger logger, Guid epoch, long head);

    [LoggerMessage(LogLevel.Error, "The log's head {Head} is below this node's tail {Tail}: committed versions were lost. A new epoch begins.")]
    private static partial void LogHeadWentBack(ILogger logger, long head, long tail);

    [LoggerMessage(LogLevel.Error, "The log has a change of people at version {Version}, and another node's message gave this node something else there. It reads the log anew. Can a stranger send on the link between the nodes?")]
    private static partial void LogHidden(ILogger logger, long version);

    [LoggerMessage(LogLevel.Critical, "This node stops: {Reason}")]
    private static partial void LogUnknownEntry(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "The log cannot be read: {Reason}")]
    private static partial void LogUnreadable(ILogger logger, string reason);

    [LoggerMessage(LogLevel.Warning, "The log is read anew, up to {End}. Every client that had anything from version {From} on gets a Gap.")]
    private static partial void LogReadAnew(ILogger logger, long from, long end);
}
