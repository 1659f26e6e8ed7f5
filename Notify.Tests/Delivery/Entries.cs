using System.Text;
using Notify.Engine.Delivery.Frames;
using Notify.Storage.Log;

namespace Notify.Tests.Delivery;

/// <summary>Entries as the log would return them.</summary>
internal static class Entries
{
    public static readonly DateTimeOffset PublishedAt = new(2026, 11, 23, 5, 0, 0, 123, TimeSpan.Zero);

    public static LogEntry At(long version, string topic = "t", string content = """{"title":"x","priority":"normal"}""") => new()
    {
        Version = version,
        Id = Guid.Parse("0198c0de-0000-7000-8000-000000000001"),
        Topic = topic,
        TopicSeq = version,
        PublishedAt = PublishedAt,
        Content = Encoding.UTF8.GetBytes(content),
    };

    public static DeliveryEntry[] Range(long first, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new DeliveryEntry(At(first + i)))];
}
