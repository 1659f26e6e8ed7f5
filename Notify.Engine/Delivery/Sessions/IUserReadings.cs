using Notify.Engine.Tail;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>Where sessions get what their users follow by interval. Implemented by the directory, which the tail keeps up.</summary>
internal interface IUserReadings
{
    /// <summary>
    /// Reads for a session that resumes. From here on changes are kept for it until <see cref="TryInstall"/>. Waits until this
    /// node's tail is in the epoch of the reading, and began at or below its head.
    /// </summary>
    /// <exception cref="Storage.Log.StorageUnavailableException">Storage does not answer.</exception>
    Task<UserStart> ReadAsync(DeliverySession session, CancellationToken cancellationToken);

    /// <summary>Hands the reading over, with what was applied meanwhile.</summary>
    /// <param name="session">The session that reads.</param>
    /// <param name="start">What <see cref="ReadAsync"/> gave.</param>
    /// <param name="install">Gives it to the session; false when the session does not take it.</param>
    /// <returns>False when it has to be read again.</returns>
    bool TryInstall(DeliverySession session, UserStart start, Func<bool> install);

    /// <summary>Reads again for a session whose reading is not of the present epoch of the log.</summary>
    /// <exception cref="Storage.Log.StorageUnavailableException">Storage does not answer.</exception>
    Task ReadAgainAsync(DeliverySession session, CancellationToken cancellationToken);
}

/// <summary>What a session of a user begins with.</summary>
/// <param name="View">The log as this node has it, of the reading's epoch.</param>
/// <param name="User">The user's number.</param>
/// <param name="Reading">What the user follows by interval.</param>
/// <param name="Acknowledged">What the device has acknowledged in this epoch; null: nothing.</param>
internal sealed record UserStart(LogView View, long User, IntervalReading Reading, long? Acknowledged);
