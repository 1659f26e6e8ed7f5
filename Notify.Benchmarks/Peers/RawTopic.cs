namespace Notify.Benchmarks.Peers;

/// <summary>The sockets of a topic, written to by one publish at a time: a WebSocket takes no two writes at once.</summary>
internal sealed class RawTopic
{
    private readonly SemaphoreSlim _turn = new(1);
    private RawMember[] _members = [];

    public void Join(RawMember member)
    {
        lock (_turn) _members = [.. _members, member];
    }

    public async Task WriteAsync(byte[] frame)
    {
        await _turn.WaitAsync();
        try
        {
            foreach (var member in _members) await member.WriteAsync(frame);
        }
        finally
        {
            _turn.Release();
        }
    }
}
