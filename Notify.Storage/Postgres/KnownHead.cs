namespace Notify.Storage.Postgres;

/// <summary>The highest version that this node knows to be committed, and in which epoch of the log.</summary>
internal sealed class KnownHead
{
    private volatile Known? _known;

    public (Guid Epoch, long Version)? Place => _known is { } known ? (known.Epoch, known.Version) : null;

    public void Observe(Guid epoch, long version)
    {
        // Answers may overtake each other. Nothing depends on the last word: the head is read every second.
        if (_known is { } known && known.Epoch == epoch && known.Version >= version) return;
        _known = new Known(epoch, version);
    }

    private sealed record Known(Guid Epoch, long Version);
}
