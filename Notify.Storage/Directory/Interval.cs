namespace Notify.Storage.Directory;

/// <summary>The versions in which something held: above <paramref name="Since"/>, up to and including <paramref name="Until"/>.</summary>
/// <param name="Since">The version of the entry that began it.</param>
/// <param name="Until">The version of the entry that ended it, or <see cref="Open"/>.</param>
public readonly record struct Interval(long Since, long Until = Interval.Open)
{
    /// <summary>The end of what has not ended: above every version.</summary>
    public const long Open = long.MaxValue;

    /// <summary>It has not ended.</summary>
    public bool IsOpen => Until == Open;

    /// <summary>Whether it held at this version.</summary>
    public bool Holds(long version) => Since < version && version <= Until;
}
