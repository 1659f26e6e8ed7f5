namespace Notify.Tests.Fixtures;

/// <summary>
/// Holds threads of the product until it is opened, at the latest at the end of the test: declared after what it holds, so that what a failed
/// test began can still be stopped.
/// </summary>
internal sealed class Latch : IDisposable
{
    private readonly ManualResetEventSlim _open = new();

    public void Wait() => _open.Wait();

    public void Open() => _open.Set();

    public void Dispose() => Open();
}
