namespace Notify.Engine.Delivery.Routing;

/// <summary>Values by number, without the room that an array has to spare when it doubles. A row stays where it is.</summary>
internal sealed class Rows<T>
{
    private const int ChunkBits = 9;
    private const int ChunkRows = 1 << ChunkBits;

    private T[][] _chunks = []; // replaced when there is one more: a reader on another thread keeps the old ones

    /// <summary>The row of a number up to the highest that <see cref="Reach"/> was told.</summary>
    public ref T this[int number] => ref _chunks[number >> ChunkBits][number & (ChunkRows - 1)];

    /// <summary>There is a row for this number from here on.</summary>
    public void Reach(int number)
    {
        while (number >= _chunks.Length * ChunkRows) _chunks = [.. _chunks, new T[ChunkRows]];
    }

    public void Clear() => _chunks = [];
}
