using System.Threading.Channels;

namespace Notify.Engine.Cluster;

/// <summary>
/// What waits to be sent to the other nodes, bounded by bytes: the publish path adds and never waits. What does not fit
/// is let go, since the log has it.
/// </summary>
internal sealed class OutgoingMessages(long maxBytes)
{
    private readonly Channel<(LinkMessage Message, int Bytes)> _waiting = Channel.CreateUnbounded<(LinkMessage, int)>(new() { SingleReader = true });
    private long _bytes;

    /// <summary>False when it was let go.</summary>
    public bool TryAdd(LinkMessage message)
    {
        var bytes = BytesOf(message);
        if (Interlocked.Add(ref _bytes, bytes) <= maxBytes && _waiting.Writer.TryWrite((message, bytes))) return true;
        Interlocked.Add(ref _bytes, -bytes);
        return false;
    }

    /// <summary>Moves all that waits into <paramref name="into"/>, waiting for the first; false at the end.</summary>
    public async ValueTask<bool> TakeAsync(List<LinkMessage> into)
    {
        if (!await _waiting.Reader.WaitToReadAsync()) return false; // ended by Complete
        while (_waiting.Reader.TryRead(out var next))
        {
            Interlocked.Add(ref _bytes, -next.Bytes);
            into.Add(next.Message);
        }

        return true;
    }

    public void Complete() => _waiting.Writer.TryComplete();

    private static int BytesOf(LinkMessage message) => LinkFormat.HeaderBytes + message switch
    {
        LinkMessage.Entries { Committed: var entries } => entries.Sum(entry => LinkFormat.MetaBytes(entry) + entry.Content.Length),
        LinkMessage.Ephemeral { Notification: var notification } => LinkFormat.MetaBytes(notification) + notification.Content.Length,
        LinkMessage.Presence presence => presence.Letter.Length,
        LinkMessage.Signal signal => signal.Arguments.Length + LinkFormat.MaxNameBytes,
        _ => 0,
    };
}
