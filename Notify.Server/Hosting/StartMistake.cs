using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;
using Notify.Server.Configuration;
using Notify.Storage;
using Notify.Storage.Directory;
using Notify.Storage.Log;

namespace Notify.Server.Hosting;

/// <summary>What an operator can mend, told from what is wrong with the program.</summary>
internal static class StartMistake
{
    private const string Kestrel = "Microsoft.AspNetCore.Server.Kestrel.Core";
    private const string Logging = "Microsoft.Extensions.Logging.Configuration";

    /// <summary>One sentence that says what to do; null for a failure of ours, whose stack is wanted.</summary>
    public static string? Sentence(Exception exception) => exception switch
    {
        SettingsException or StorageMisconfiguredException or StorageUnavailableException or UnknownEntryException => exception.Message,
        IOException { InnerException: AddressInUseException } =>
            $"{exception.Message.TrimEnd('.')}. Stop what listens there, or choose another address with Urls.",
        SocketException => $"Nothing can listen where Urls says ({exception.Message}); name an address of this machine and a port that this process may use.",
        InvalidDataException => $"{exception.Message} {exception.GetBaseException().Message}", // appsettings.json is not JSON
        FileNotFoundException or DirectoryNotFoundException or UnauthorizedAccessException =>
            $"{exception.Message} A setting names it, such as the Path of a certificate: it must be there, and readable by this process.",
        InvalidOperationException { Source: Kestrel } =>
            $"{FirstLine(exception.Message)} Name one under Kestrel:Certificates:Default, or let a proxy end TLS and listen on http.",
        InvalidOperationException { Source: Logging } =>
            $"Under Logging:LogLevel: {exception.Message} Levels are {string.Join(", ", Enum.GetNames<LogLevel>())}.",
        _ => null,
    };

    private static string FirstLine(string text) => text.Split('\n', 2)[0].TrimEnd();
}
