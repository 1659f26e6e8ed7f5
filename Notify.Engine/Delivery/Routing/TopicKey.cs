using System.Text;

namespace Notify.Engine.Delivery.Routing;

/// <summary>A topic, and its bytes: names of filters are held and compared as UTF-8.</summary>
/// <param name="topic">A valid one.</param>
/// <param name="room">Of <see cref="Room"/> bytes; more is allocated where a name needs it.</param>
internal readonly ref struct TopicKey(string topic, Span<byte> room)
{
    /// <summary>Enough for every topic.</summary>
    public const int Room = Contracts.Topics.TopicName.MaxBytes;

    public string Topic { get; } = topic;

    public ReadOnlySpan<byte> Bytes { get; } =
        Encoding.UTF8.TryGetBytes(topic, room, out var written) ? room[..written] : Encoding.UTF8.GetBytes(topic);
}
