namespace Notify.Engine.Publishing;

/// <summary>
/// This node's turn to write to the log: one append or one batch of changes at a time. A batch whose outcome is unknown
/// keeps the turn until it is known, so that nothing of this node comes between its attempts.
/// </summary>
internal sealed class AppendTurn : IDisposable
{
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Waits for the turn, in the order of asking.</summary>
    public Task TakeAsync(CancellationToken cancellationToken) => _turn.WaitAsync(cancellationToken);

    public void Give() => _turn.Release();

    public void Dispose() => _turn.Dispose();
}
