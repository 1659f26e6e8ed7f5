namespace Notify.Client;

/// <summary>Saves the reader's cursor, at most once an interval: a file written for every notification would be the slowest part.</summary>
internal sealed class CursorKeeper(ICursorStore store, TimeSpan interval, TimeProvider time)
{
    private Cursor? _saved;
    private long _savedAt;

    public Cursor? Current { get; private set; }

    public async Task LoadAsync(CancellationToken cancellationToken) =>
        Current = _saved = await store.LoadAsync(cancellationToken);

    public async ValueTask MoveAsync(Cursor cursor, CancellationToken cancellationToken)
    {
        Current = cursor;
        if (_savedAt != 0 && time.GetElapsedTime(_savedAt) < interval) return;
        await SaveAsync(cancellationToken);
    }

    // Without a token: this is the last chance, and it is one small write.
    public async ValueTask FlushAsync()
    {
        if (Current != _saved) await SaveAsync(CancellationToken.None);
    }

    private async ValueTask SaveAsync(CancellationToken cancellationToken)
    {
        await store.SaveAsync(Current!, cancellationToken);
        _saved = Current;
        _savedAt = time.GetTimestamp();
    }
}
