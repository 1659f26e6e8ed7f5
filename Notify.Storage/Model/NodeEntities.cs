namespace Notify.Storage.Model;

/// <summary>A running node, for as long as it renews its lease.</summary>
internal sealed class NodeRow
{
    public Guid Id { get; set; }

    /// <summary>The product version that it runs.</summary>
    public required string Version { get; set; }

    /// <summary>The name of its machine, for an operator.</summary>
    public required string Host { get; set; }
    public DateTimeOffset StartedAt { get; set; }
    public int Connections { get; set; }
    public long Head { get; set; }

    /// <summary>The highest kind of entry that it can read.</summary>
    public short Knows { get; set; }
    public DateTimeOffset LeaseUntil { get; set; }
}

/// <summary>The one row that says which kinds of entry may be written. It only rises.</summary>
internal sealed class EntryGateRow
{
    public short Id { get; set; }
    public short Opened { get; set; }
}
