namespace Notify.Engine.Tail;

/// <summary>How what a node delivered can differ from the log.</summary>
internal enum Discrepancy
{
    /// <summary>Delivered, and the log no longer has it.</summary>
    Absent,

    /// <summary>The log has something else under this version.</summary>
    Different,

    /// <summary>The log has it, and the node has not handed it on although it had all the time it needs.</summary>
    Behind,
}
