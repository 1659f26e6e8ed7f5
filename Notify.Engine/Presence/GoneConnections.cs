using System.Runtime.InteropServices;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Engine.Presence;

/// <summary>
/// Connections that broke off within the last ten seconds. They count as if they were there, so that a client that comes
/// back in that time never left; one that the client closed in order is gone at once.
/// </summary>
internal sealed class GoneConnections(TimeProvider time)
{
    public static readonly TimeSpan Grace = TimeSpan.FromSeconds(10);

    private readonly Lock _gate = new();
    private readonly LinkedList<Gone> _gone = [];
    private readonly Dictionary<string, int> _byUser = new(StringComparer.Ordinal); // how many of a user are gone

    public void Add(DeliverySession session)
    {
        lock (_gate)
        {
            // Its user had come back on the device, and now leaves: what broke off before is not waited for any more.
            if (session.LeftInOrder)
            {
                Forget(session);
            }
            else if (session.User is not null || session.FollowedAtEnd.Count > 0)
            {
                _gone.AddLast(new Gone(LocalConnection.Of(session) with { IsGone = true }, session.FollowedAtEnd, time.GetTimestamp()));
                if (session.User is { } user) _byUser[user] = _byUser.GetValueOrDefault(user) + 1;
            }
        }
    }

    /// <summary>Ends the grace of those whose time is over, and says what they followed.</summary>
    public void Expire(ICollection<TopicFilter> followed)
    {
        lock (_gate)
        {
            while (_gone.First is { } first && time.GetElapsedTime(first.Value.At) >= Grace)
            {
                _gone.RemoveFirst();
                Uncount(first.Value.Connection.User);
                foreach (var filter in first.Value.Followed) followed.Add(filter);
            }
        }
    }

    public void Following(string topic, ICollection<LocalConnection> into)
    {
        lock (_gate)
        {
            foreach (var gone in _gone)
            {
                if (time.GetElapsedTime(gone.At) < Grace && gone.Followed.Any(filter => filter.Matches(topic))) into.Add(gone.Connection);
            }
        }
    }

    public void OfUser(string user, ICollection<LocalConnection> into)
    {
        lock (_gate)
        {
            if (!_byUser.ContainsKey(user)) return;
            foreach (var gone in _gone)
            {
                if (gone.Connection.User == user && time.GetElapsedTime(gone.At) < Grace) into.Add(gone.Connection);
            }
        }
    }

    private void Forget(DeliverySession session)
    {
        if (session.User is null || !_byUser.ContainsKey(session.User)) return;
        for (var gone = _gone.First; gone is not null;)
        {
            var next = gone.Next;
            if (gone.Value.Connection.User == session.User && gone.Value.Connection.Device == session.Device)
            {
                _gone.Remove(gone);
                Uncount(session.User);
            }

            gone = next;
        }
    }

    private void Uncount(string? user)
    {
        if (user is not null && --CollectionsMarshal.GetValueRefOrNullRef(_byUser, user) == 0) _byUser.Remove(user);
    }

    private readonly record struct Gone(LocalConnection Connection, IReadOnlyList<TopicFilter> Followed, long At);
}
