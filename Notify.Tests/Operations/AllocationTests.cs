using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.RegularExpressions;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Operations;

/// <summary>
/// What a publish allocates in the server, from the request to the answer and one delivery. What is allocated is collected, and
/// the collector's pauses are a busy node's latency: 3 KB by POST and 1 KB in a batch are the goals, and twice as much fails. The tests run
/// code that is not optimised, in which every asynchronous method of a POST allocates besides: 2 KB more.
/// </summary>
public sealed partial class AllocationTests(PostgresCluster postgres)
{
    private const int Publishers = 32;
    private const int WarmUp = 6_400;
    private const int Filling = 160_000; // more than the ring has room for: until it is full, it takes memory for what it keeps
    private const int Measured = 12_800;
    private const int Kilobyte = 1024;
    private const int Batch = 100;
    private const int LargestBatch = 1_000;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, 1, 8 * Kilobyte)]
    [InlineData(true, Batch, 2 * Kilobyte)]
    [InlineData(false, 1, 8 * Kilobyte)]
    [InlineData(false, Batch, 2 * Kilobyte)]
    public async Task A_publish_allocates_at_most(bool onPostgres, int batch, double most)
    {
        await using var server = await ServerProcess.StartAsync(
            onPostgres ? [("ConnectionStrings:Postgres", postgres.ConnectionString(await postgres.CreateDatabaseAsync()))] : []);
        using var stream = await server.Http.GetStreamAsync(new Uri("api/v1/stream?filter=allocated/%2B", UriKind.Relative), Stop);
        var following = stream.CopyToAsync(Stream.Null, Stop);

        await PublishAsync(server, LargestBatch, Filling);
        await PublishAsync(server, batch, WarmUp); // until the hot code is compiled, and sockets and buffers are there
        var before = await AllocatedAsync(server);
        await PublishAsync(server, batch, Measured);
        // The exporter gives the same page for 300 ms, and a fast machine has published all of it by then.
        var after = before;
        await Eventually.TrueAsync(async () => (after = await AllocatedAsync(server)) > before, "the metrics stayed what they were");
        var each = (after - before) / Measured;
        Assert.InRange(each, 500, most); // less than the content and its message would be a measurement that measures nothing
        Assert.False(following.IsCompleted);
    }

    private static Task PublishAsync(ServerProcess server, int batch, int count) => Task.WhenAll(
        Enumerable.Range(0, Publishers).Select(async publisher =>
        {
            var one = $$"""{"topic":"allocated/{{publisher}}","body":"{{new string('x', 256)}}"}""";
            var body = Encoding.UTF8.GetBytes(batch == 1 ? one : $$"""{"notifications":[{{string.Join(',', Enumerable.Repeat(one, batch))}}]}""");
            var path = new Uri(batch == 1 ? "api/v1/notifications" : "api/v1/notifications/batch", UriKind.Relative);
            for (var done = 0; done < count / Publishers; done += batch)
            {
                using var content = new ByteArrayContent(body) { Headers = { ContentType = new MediaTypeHeaderValue("application/json") } };
                using var answer = await server.Http.PostAsync(path, content, Stop);
                Assert.Equal(batch == 1 ? HttpStatusCode.Created : HttpStatusCode.OK, answer.StatusCode);
            }
        }));

    private static async Task<double> AllocatedAsync(ServerProcess server)
    {
        var text = await server.Http.GetStringAsync(new Uri("metrics", UriKind.Relative), Stop);
        return double.Parse(Allocated().Match(text).Groups["bytes"].Value, CultureInfo.InvariantCulture);
    }

    [GeneratedRegex(@"^dotnet_gc_heap_total_allocated_bytes_total(\{[^}]*\})? (?<bytes>\S+)", RegexOptions.ExplicitCapture | RegexOptions.Multiline)]
    private static partial Regex Allocated();
}
