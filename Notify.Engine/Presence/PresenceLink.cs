using Notify.Engine.Cluster;

namespace Notify.Engine.Presence;

/// <summary>Letters to the other nodes and from them.</summary>
internal sealed class PresenceLink
{
    private readonly ClusterLink _link;

    public PresenceLink(ClusterLink link)
    {
        _link = link;
        link.PresenceTold += (node, json) =>
        {
            if (PresenceLetter.TryRead(json) is { } letter) Received?.Invoke(node, letter);
        };
    }

    /// <summary>On the receiving loop: must not wait.</summary>
    public event Action<Guid, PresenceLetter>? Received;

    /// <summary>False where there are no other nodes.</summary>
    public bool Crosses => _link.Crosses;

    /// <summary>What a letter may take; some backplanes have little room.</summary>
    public int Bytes => Math.Min(_link.EphemeralBytes, LetterSplitting.MostBytes);

    public void Send(PresenceLetter letter)
    {
        if (_link.Crosses) _link.Presence(letter.ToJson());
    }
}
