using System.Globalization;
using System.Text;
using Notify.Benchmarks.Wire;

namespace Notify.Benchmarks.Load;

/// <summary>Requests made once and sent again and again, topic after topic.</summary>
internal sealed class PublishRequests
{
    /// <summary>Room for the time in front of a body; notifications without a time have zeros there.</summary>
    private const int StampDigits = 19;

    private static ReadOnlySpan<byte> BodyStart => "\"body\":\""u8;

    private readonly byte[][] _requests;
    private int _next;

    public PublishRequests(PublisherOptions options)
    {
        var body = new string('0', StampDigits) + " " + new string('x', options.BodyBytes - StampDigits - 1);
        _requests = options.By switch
        {
            PublishBy.Hub => [.. Topics(options).Select(topic => options.Wire.Publish(topic, body))],
            PublishBy.Batch => [.. Batches(options, body)],
            _ => [.. Topics(options).Select(topic => Post(options, PathOf(options, topic), One(topic, body)))],
        };
    }

    private byte[] Next()
    {
        if (_next == _requests.Length) _next = 0;
        return _requests[_next++];
    }

    /// <summary>The next request, with the time in its first body: a buffer for one use at a time.</summary>
    public byte[] NextStamped(long timestamp)
    {
        var request = Next();
        var at = request.AsSpan().IndexOf(BodyStart); // none in MessagePack
        if (at >= 0) Encoding.ASCII.GetBytes(timestamp.ToString("D19", CultureInfo.InvariantCulture)).CopyTo(request, at + BodyStart.Length);
        return request;
    }

    private static IEnumerable<string> Topics(PublisherOptions options) => Enumerable.Range(options.FirstTopic, options.Topics).Select(LoadTopics.Name);

    private static IEnumerable<byte[]> Batches(PublisherOptions options, string body)
    {
        // As many requests as make the topics come round evenly.
        var requests = Math.Max(1, options.Topics / options.Batch);
        var number = 0;
        for (var i = 0; i < requests; i++)
        {
            var items = Enumerable.Range(0, options.Batch).Select(_ => One(LoadTopics.Name(options.FirstTopic + (number++ % options.Topics)), body));
            yield return Post(options, "/api/v1/notifications/batch", $$"""{"notifications":[{{string.Join(',', items)}}]}""");
        }
    }

    private static string One(string topic, string body) => $$"""{"topic":"{{topic}}","body":"{{body}}"}""";

    private static string PathOf(PublisherOptions options, string topic) =>
        options.Peer == PeerKind.Raw ? "/publish?topic=" + topic : "/api/v1/notifications";

    private static byte[] Post(PublisherOptions options, string path, string json) => Encoding.ASCII.GetBytes(
        $"POST {path} HTTP/1.1\r\nHost: localhost:{options.Port}\r\n{Credential(options)}Content-Type: application/json\r\nContent-Length: " +
            $"{json.Length}\r\n\r\n{json}");

    private static string Credential(PublisherOptions options) => options.Bearer.Length > 0 ? $"Authorization: Bearer {options.Bearer}\r\n" : "";
}
