namespace Notify.Storage.Log;

/// <summary>What it means that storage failed.</summary>
public enum StorageFailure
{
    /// <summary>It will pass by itself: away, starting, failing over, full.</summary>
    Transient,

    /// <summary>No answer in time, or a lock that is held elsewhere.</summary>
    Timeout,

    /// <summary>A retry cannot succeed; operator action is required (a right, a table, a password, a damaged file).</summary>
    Permanent,
}
