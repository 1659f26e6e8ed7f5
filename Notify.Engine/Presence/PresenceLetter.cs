using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Notify.Engine.Delivery.Routing;

namespace Notify.Engine.Presence;

/// <summary>What nodes tell each other of their people: one of its parts. All of it may be lost, late or repeated.</summary>
internal sealed record PresenceLetter
{
    /// <summary>The sender watches these topics, for as long as a lease is.</summary>
    public IReadOnlyList<string>? Watch { get; init; }

    /// <summary>The sender's users on watched topics.</summary>
    public IReadOnlyList<TopicState>? States { get; init; }

    /// <summary>What the sender wants to know of every node.</summary>
    public PresenceQuestion? Question { get; init; }

    /// <summary>A node's answer to a question.</summary>
    public PresenceReply? Reply { get; init; }

    public byte[] ToJson() => JsonSerializer.SerializeToUtf8Bytes(this, PresenceJson.Plain.PresenceLetter);

    /// <summary>Null when it is none.</summary>
    public static PresenceLetter? TryRead(ReadOnlyMemory<byte> json)
    {
        try
        {
            return JsonSerializer.Deserialize(json.Span, PresenceJson.Default.PresenceLetter);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}

/// <summary>The people of one node on one topic, or a part of them.</summary>
/// <param name="Topic">The topic.</param>
/// <param name="Number">Rises with every state of the topic: parts of different ones do not mix.</param>
/// <param name="Part">Which part, from 0.</param>
/// <param name="Parts">How many there are.</param>
/// <param name="Count">Of all parts together.</param>
internal sealed record TopicState(string Topic, long Number, int Part, int Parts, int Count)
{
    /// <summary>Users of this part.</summary>
    public IReadOnlyList<string>? Users { get; init; }

    /// <summary>Connections without a user, of this part.</summary>
    public IReadOnlyList<string>? Connections { get; init; }

    /// <summary>Hashes of people, eight bytes each, little endian.</summary>
    public byte[]? Hashes { get; init; }
}

/// <summary>What a node asks all nodes: about a topic or a user.</summary>
/// <param name="Id">Names the question.</param>
internal sealed record PresenceQuestion(Guid Id)
{
    /// <summary>Its followers.</summary>
    public string? Topic { get; init; }

    /// <summary>The user's connections.</summary>
    public string? User { get; init; }

    /// <summary>With both of the above: whether the user's connections bring this version of the topic.</summary>
    public long Version { get; init; }

    /// <summary>Only connections whose place is above this one.</summary>
    public string? After { get; init; }

    /// <summary>At most so many.</summary>
    public int Limit { get; init; }
}

/// <summary>A part of a node's answer.</summary>
/// <param name="Id">The question's.</param>
/// <param name="Part">Which part, from 0: that has the connections.</param>
/// <param name="Parts">How many there are.</param>
/// <param name="Count">How many people the node has on the topic.</param>
internal sealed record PresenceReply(Guid Id, int Part, int Parts, int Count)
{
    /// <summary>A page, in the order of their places.</summary>
    public IReadOnlyList<LocalConnection> Connections { get; init; } = [];

    /// <summary>There are more above the last one.</summary>
    public bool HasMore { get; init; }

    /// <summary>Hashes of the node's people, where the page does not have all of them.</summary>
    public byte[]? Hashes { get; init; }

    /// <summary>The user's connections, where the question was about a version.</summary>
    public IReadOnlyList<ExplainedConnection>? Explained { get; init; }

    /// <summary>The page is all that there is: its people are the node's.</summary>
    public bool IsAll { get; init; }
}

/// <summary>A connection, and what it brings to a version of a topic.</summary>
/// <param name="Connection">The connection.</param>
/// <param name="Cursor">The last version that was handed to it or passed over.</param>
/// <param name="Interests">Its own that match the topic.</param>
internal sealed record ExplainedConnection(LocalConnection Connection, long Cursor, IReadOnlyList<InterestVerdict> Interests);

[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault)]
[JsonSerializable(typeof(PresenceLetter))]
[JsonSerializable(typeof(LocalConnection))]
[JsonSerializable(typeof(ExplainedConnection))]
internal sealed partial class PresenceJson : JsonSerializerContext
{
    /// <summary>Text as it is: names of people are much of a message, and some backplanes have little room.</summary>
    public static PresenceJson Plain { get; } = new(new JsonSerializerOptions
    {
        PropertyNamingPolicy = JsonNamingPolicy.CamelCase,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingDefault,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    });
}
