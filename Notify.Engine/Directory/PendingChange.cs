using Notify.Storage.Directory;

namespace Notify.Engine.Directory;

/// <summary>A change on its way to the log, and its answer. The answer's continuations run elsewhere.</summary>
internal sealed class PendingChange(DirectoryChange change) : TaskCompletionSource<ChangeAnswer>(TaskCreationOptions.RunContinuationsAsynchronously)
{
    private readonly Lock _gate = new();
    private bool _mayBeMade;

    public DirectoryChange Change => change;

    /// <summary>From now on it may be made. False when it has its answer already: then it must not be made behind it.</summary>
    public bool TrySubmit()
    {
        lock (_gate) return !Task.IsCompleted && (_mayBeMade = true);
    }

    /// <summary>It is known that nothing was made.</summary>
    public void Withdraw()
    {
        lock (_gate) _mayBeMade = false;
    }

    /// <summary>Its time is over, or the node's.</summary>
    public void Expire(ChangeAnswer.Refused unlessSubmitted)
    {
        lock (_gate) TrySetResult(_mayBeMade ? ChangeRefusals.Unknown : unlessSubmitted);
    }
}
