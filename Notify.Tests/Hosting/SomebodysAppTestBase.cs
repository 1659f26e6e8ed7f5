using System.IO.Compression;
using System.Net;

namespace Notify.Tests.Hosting;

/// <summary>What tests of the service in an app share.</summary>
public abstract class SomebodysAppTestBase
{
    protected static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private protected static async Task<string> FirstEventAsync(SomebodysApp app, string path, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(app.Url, path));
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var answer = await app.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancel);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
        var body = await answer.Content.ReadAsStreamAsync(Cancel);
        using var lines = new StreamReader(answer.Content.Headers.ContentEncoding.Contains("gzip") ? new GZipStream(body, CompressionMode.Decompress) : body);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Cancel);
        limit.CancelAfter(TimeSpan.FromSeconds(30));
        while (await lines.ReadLineAsync(limit.Token) is { } line)
        {
            if (line.StartsWith("event:", StringComparison.Ordinal)) return line;
        }

        return "";
    }
}
