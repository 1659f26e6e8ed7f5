namespace Notify.Client;

/// <summary>
/// Keeps the cursor of one follower between runs. <see cref="NotifyClient"/> loads once, before it connects, and then
/// saves from one place at a time: an implementation need not be safe for concurrent calls.
/// </summary>
public interface ICursorStore
{
    /// <summary>The cursor that was saved last; null when there is none: then following begins at what is new.</summary>
    ValueTask<Cursor?> LoadAsync(CancellationToken cancellationToken);

    /// <summary>Keeps the cursor in place of the last one, either wholly or not at all.</summary>
    ValueTask SaveAsync(Cursor cursor, CancellationToken cancellationToken);
}
