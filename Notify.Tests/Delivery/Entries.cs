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

    /// <summary>What an entry of this kind says when it changes nothing.</summary>
    public static byte[] ContentOf(EntryKind kind) => Encoding.UTF8.GetBytes(kind switch
    {
        EntryKind.GroupChanged => """{"group":1,"change":"RuleChanged"}""",
        EntryKind.MembersChanged => """{"groups":[]}""",
        EntryKind.SubscriptionsChanged => """{"user":0,"added":[],"removed":[]}""",
        EntryKind.KeysChanged => """{"key":"none","revoked":true}""",
        EntryKind.TokensRevoked => """{"user":0,"issuedBefore":"2026-01-01T00:00:00Z"}""",
        EntryKind.Disconnected => """{"user":0}""",
        _ => "{}",
    });

    public static DeliveryEntry[] Range(long first, int count) =>
        [.. Enumerable.Range(0, count).Select(i => new DeliveryEntry(At(first + i)))];
}
