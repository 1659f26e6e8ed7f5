using System.Buffers.Binary;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Notify.Engine.Presence;

/// <summary>Cuts what is told to other nodes into pieces that fit into a letter.</summary>
internal static class LetterSplitting
{
    /// <summary>The members around a piece, with the longest topic or place.</summary>
    private const int Around = 1500;

    /// <summary>What a letter has at most, whatever the backplane takes.</summary>
    public const int MostBytes = 256 * 1024;

    /// <summary>Letters with as many of the topics as fit into each.</summary>
    public static IEnumerable<PresenceLetter> Watches(IEnumerable<string> topics, int bytes)
    {
        foreach (var chunk in Chunks(topics, SizeOf, bytes - Around)) yield return new PresenceLetter { Watch = chunk };
    }

    /// <summary>Letters with as many of the states as fit into each.</summary>
    public static IEnumerable<PresenceLetter> States(IEnumerable<TopicState> states, int bytes)
    {
        foreach (var chunk in Chunks(states, SizeOf, bytes - Around)) yield return new PresenceLetter { States = chunk };
    }

    /// <summary>The parts of a topic's state.</summary>
    public static IReadOnlyList<TopicState> State(string topic, long number, TopicPeople people, int bytes)
    {
        List<TopicState> parts = [];
        if (people.Named is { } named)
        {
            foreach (var chunk in Chunks(named, person => SizeOf(person.User ?? person.Connection!), bytes - 2 * Around))
            {
                parts.Add(new TopicState(topic, number, parts.Count, 0, people.Count)
                {
                    Users = [.. chunk.Select(person => person.User).OfType<string>()],
                    Connections = [.. chunk.Select(person => person.Connection).OfType<string>()],
                });
            }
        }
        else if (people.Hashes is { } hashes)
        {
            foreach (var piece in Hashes(hashes, bytes - Around)) parts.Add(new TopicState(topic, number, parts.Count, 0, people.Count) { Hashes = piece });
        }

        if (parts.Count == 0) parts.Add(new TopicState(topic, number, 0, 1, people.Count));
        return parts.ConvertAll(part => part with { Parts = parts.Count });
    }

    /// <summary>Hashes as bytes, in pieces.</summary>
    public static IEnumerable<byte[]> Hashes(ulong[] hashes, int bytes)
    {
        foreach (var chunk in hashes.Chunk(Math.Max(1, (bytes - Around) / 4 * 3 / 8)))
        {
            var piece = new byte[chunk.Length * 8];
            for (var i = 0; i < chunk.Length; i++) BinaryPrimitives.WriteUInt64LittleEndian(piece.AsSpan(i * 8), chunk[i]);
            yield return piece;
        }
    }

    /// <summary>The hashes of pieces; null when they are none.</summary>
    public static ulong[]? Hashes(IEnumerable<byte[]> pieces)
    {
        var hashes = new List<ulong>();
        foreach (var piece in pieces)
        {
            if (piece.Length % 8 != 0) return null;
            for (var at = 0; at < piece.Length; at += 8) hashes.Add(BinaryPrimitives.ReadUInt64LittleEndian(piece.AsSpan(at)));
        }

        return [.. hashes];
    }

    /// <summary>Explained connections in pieces that fit.</summary>
    public static IEnumerable<List<ExplainedConnection>> Explained(IEnumerable<ExplainedConnection> connections, int bytes) =>
        Chunks(connections, one => JsonSerializer.SerializeToUtf8Bytes(one, PresenceJson.Plain.ExplainedConnection).Length + 1, bytes - Around);

    /// <summary>How many of these, in their order, fit; at least one.</summary>
    public static int Fitting(IReadOnlyList<LocalConnection> connections, int most, int bytes)
    {
        var (count, taken) = (0, Around);
        while (count < connections.Count && count < most)
        {
            taken += JsonSerializer.SerializeToUtf8Bytes(connections[count], PresenceJson.Plain.LocalConnection).Length + 1;
            if (taken > bytes && count > 0) break;
            count++;
        }

        return count;
    }

    private static int SizeOf(string text) => JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes.Length + 3;

    private static int SizeOf(TopicState state) =>
        SizeOf(state.Topic) + 120 + (state.Hashes?.Length ?? 0) / 3 * 4 + 4 + (state.Users?.Sum(SizeOf) ?? 0) + (state.Connections?.Sum(SizeOf) ?? 0);

    private static IEnumerable<List<T>> Chunks<T>(IEnumerable<T> all, Func<T, int> sizeOf, int bytes)
    {
        var (chunk, taken) = (new List<T>(), 0);
        foreach (var one in all)
        {
            var size = sizeOf(one);
            if (chunk.Count > 0 && taken + size > bytes)
            {
                yield return chunk;
                (chunk, taken) = ([], 0);
            }

            chunk.Add(one);
            taken += size;
        }

        if (chunk.Count > 0) yield return chunk;
    }
}
