namespace Notify.Storage.Log;

/// <summary>What it means that storage failed.</summary>
public enum StorageFailure
{
    /// <summary>It will pass by itself: away, starting, failing over, full.</summary>
    Transient,

    /// <summary>No answer in time, or a lock that somebody holds.</summary>
    Timeout,

    /// <summary>Trying again changes nothing: somebody has to (a right, a table, a password, a damaged file).</summary>
    Permanent,
}
