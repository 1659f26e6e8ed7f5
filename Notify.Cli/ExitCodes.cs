using Notify.Client;
using Notify.Contracts;

namespace Notify.Cli;

/// <summary>What a script learns from the end of a command; listed in docs/cli.md.</summary>
internal static class ExitCodes
{
    public const int Done = 0;

    /// <summary>Refused for another reason than those below, or the doctor found something wrong.</summary>
    public const int Failed = 1;

    /// <summary>The command line or the configuration file is wrong; nothing was sent.</summary>
    public const int Usage = 2;

    /// <summary>Not reached, no answer in time, or too busy: the same command may succeed later.</summary>
    public const int TryAgain = 3;

    /// <summary>No credential, a bad one, or one that may not do this.</summary>
    public const int NotAllowed = 4;

    /// <summary>There is no such thing.</summary>
    public const int NotFound = 5;

    /// <summary>Ctrl+C.</summary>
    public const int Interrupted = 130;

    public static int Of(NotifyException e) => e switch
    {
        { IsTransient: true } => TryAgain,
        { Code: ErrorCodes.Unauthenticated or ErrorCodes.Forbidden } => NotAllowed,
        { Code: ErrorCodes.NotFound } => NotFound,
        _ => Failed,
    };
}

/// <summary>The command line or the configuration file is wrong.</summary>
internal sealed class UsageException(string message) : Exception(message);
