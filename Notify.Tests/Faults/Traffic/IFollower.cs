using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Traffic;

/// <summary>A subscriber of the suite: it follows its topics until it is disposed of, whatever happens in between.</summary>
internal interface IFollower : IAsyncDisposable
{
    Recorder Recorder { get; }

    IReadOnlySet<string> Topics { get; }

    /// <summary>After <see cref="IAsyncDisposable.DisposeAsync"/> it is complete.</summary>
    Journal Journal { get; }
}
