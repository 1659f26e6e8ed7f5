using Notify.Storage.Log;

namespace Notify.Storage;

/// <summary>Opens the log that the options name.</summary>
public static class LogStore
{
    /// <summary>Brings the schema up to date (unless told not to) and opens the log.</summary>
    /// <exception cref="StorageUnavailableException">The database does not answer.</exception>
    /// <exception cref="StorageMisconfiguredException">The message says which setting is wrong and what is allowed.</exception>
    public static Task<INotificationLog> OpenAsync(StorageOptions options, CancellationToken cancellationToken) =>
        throw new NotSupportedException($"No store for {options} yet."); // replaced by the stores
}

/// <summary>A storage setting that cannot work; the message names it and says what is allowed.</summary>
public sealed class StorageMisconfiguredException(string message, Exception? inner = null) : Exception(message, inner);
