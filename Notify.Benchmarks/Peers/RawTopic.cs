namespace Notify.Benchmarks.Peers;

/// <summary>The sockets of a topic, written to by one publish at a time: a WebSocket takes no two writes at once.</summary>
internal sealed class RawTopic
{
    private readonly Lock _joining = new();
    private Task _last = Task.CompletedTask;
    private RawMember[] _members = [];

    public void Join(RawMember member)
    {
        lock (_joining) _members = [.. _members, member];
    }

    public Task WriteAsync(byte[] frame)
    {
        lock (_joining) return _last = WriteAfterAsync(_last, frame);
    }

    private async Task WriteAfterAsync(Task before, byte[] frame)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        foreach (var member in _members) await member.WriteAsync(frame);
    }
}
