using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Notify.Engine.Presence;

/// <summary>
/// The people of one node on one topic: by name while they are few, then by a hash of eight bytes, so that a user with
/// connections on two nodes is counted once, and above that by number alone.
/// </summary>
internal sealed class TopicPeople
{
    /// <summary>With more people than this on a topic, watchers are told numbers only.</summary>
    public const int MostNamed = 100;

    /// <summary>With more people than this on one node only their number is sent, and a user on two such nodes counts twice.</summary>
    public const int MostHashed = 10_000;

    public static readonly TopicPeople Nobody = new(0, [], null);

    private TopicPeople(int count, IReadOnlyCollection<Person>? named, ulong[]? hashes) => (Count, Named, Hashes) = (count, named, hashes);

    public int Count { get; }

    /// <summary>They, while they are few; otherwise null.</summary>
    public IReadOnlyCollection<Person>? Named { get; }

    /// <summary>In rising order; null while they are few, and when they are too many.</summary>
    public ulong[]? Hashes { get; }

    public static TopicPeople Of(IEnumerable<LocalConnection> connections) => Of(connections.Select(connection => connection.Person).ToHashSet());

    public static TopicPeople Of(IReadOnlyCollection<Person> people) =>
        people.Count <= MostNamed ? new(people.Count, people, null)
        : people.Count <= MostHashed ? OfHashes([.. people.Select(HashOf)])
        : OfCount(people.Count);

    public static TopicPeople OfHashes(ulong[] hashes)
    {
        Array.Sort(hashes);
        return new(hashes.Length, null, hashes);
    }

    public static TopicPeople OfCount(int count) => new(count, null, null);

    /// <summary>All by their hashes; null when they are too many.</summary>
    public ulong[]? ToHashes() => Hashes ?? (Named is null ? null : [.. Named.Select(HashOf)]);

    public bool IsSame(TopicPeople other) => Count == other.Count
        && (Named is null ? other.Named is null
            && (Hashes is null ? other.Hashes is null : other.Hashes is not null && Hashes.AsSpan().SequenceEqual(other.Hashes))
            : other.Named is not null && Named.All(other.Named.Contains));

    /// <summary>The people of several nodes; named when they are few.</summary>
    public static (int Count, HashSet<Person>? Named) Union(IEnumerable<TopicPeople> nodes)
    {
        var (named, hashes, count) = (new HashSet<Person>(), (HashSet<ulong>?)null, 0);
        var all = nodes as IReadOnlyCollection<TopicPeople> ?? [.. nodes];
        foreach (var node in all)
        {
            if (node.Named is not null) named.UnionWith(node.Named);
        }

        foreach (var node in all)
        {
            if (node.Hashes is not null) (hashes ??= [.. named.Select(HashOf)]).UnionWith(node.Hashes);
            else if (node.Named is null) count += node.Count;
        }

        count += hashes?.Count ?? named.Count;
        return (count, count <= MostNamed ? named : null);
    }

    private static ulong HashOf(Person person)
    {
        Span<byte> hash = stackalloc byte[32];
        SHA256.HashData(Encoding.UTF8.GetBytes(person.User is { } user ? $"u{user}" : $"c{person.Connection}"), hash);
        return BinaryPrimitives.ReadUInt64LittleEndian(hash);
    }
}
