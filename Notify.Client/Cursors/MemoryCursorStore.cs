namespace Notify.Client;

/// <summary>A cursor that lives as long as this object: it survives reconnects, and clients that are made with it again.</summary>
/// <param name="start">Where to begin; null: at what is new.</param>
public sealed class MemoryCursorStore(Cursor? start = null) : ICursorStore
{
    /// <summary>The cursor as it was saved last.</summary>
    public Cursor? Current { get; private set; } = start;

    /// <inheritdoc/>
    public ValueTask<Cursor?> LoadAsync(CancellationToken cancellationToken) => new(Current);

    /// <inheritdoc/>
    public ValueTask SaveAsync(Cursor cursor, CancellationToken cancellationToken)
    {
        Current = cursor;
        return default;
    }
}
