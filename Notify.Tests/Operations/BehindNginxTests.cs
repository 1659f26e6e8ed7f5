using System.Net;
using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text.RegularExpressions;
using Notify.Engine.Delivery.Replay;
using Notify.Tests.EndToEnd;
using Notify.Tests.Fixtures;
using Notify.Tests.Streaming;

namespace Notify.Tests.Operations;

/// <summary>The block of docs/nginx.md, word for word, before two nodes in Production: only addresses and file names are this machine's.</summary>
public sealed partial class BehindNginxTests(PostgresCluster postgres) : IAsyncLifetime
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(30);

    private readonly TempFolder _folder = new();
    private readonly ReservedPort _port = new();
    private readonly List<ServerProcess> _nodes = [];
    private HttpClient _http = null!;
    private string _certificate = "";
    private Nginx _nginx = null!;
    private Uri _url = null!;

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        var database = await postgres.CreateDatabaseAsync();
        for (var i = 0; i < 2; i++)
        {
            _nodes.Add(await ServerProcess.StartAsync(
                ("environment", "Production"),
                ("Notify:Auth:AllowAnonymous", "true"),
                ("ForwardedHeaders_Enabled", "true"), // ASPNETCORE_FORWARDEDHEADERS_ENABLED, as a setting of this process alone
                ("ConnectionStrings:Postgres", postgres.ConnectionString(database))));
        }

        _url = new Uri($"https://localhost:{_port}");
        await MakeCertificateAsync();
        _nginx = await Nginx.StartAsync(_folder, Block(_port.Number), _port.Number);
        _http = new HttpClient(new SocketsHttpHandler { SslOptions = { RemoteCertificateValidationCallback = IsOurs } }) { BaseAddress = _url };
    }

    public async ValueTask DisposeAsync()
    {
        if (_nginx is not null) await _nginx.DisposeAsync();
        foreach (var node in _nodes) await node.DisposeAsync();
        _http?.Dispose();
        _port.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task WebSockets_only_clients_need_no_sticky_sessions_and_move_when_a_node_stops()
    {
        await using var dotnet =
            new ReconnectingFollower(_url, "shop/#", options => options.WebSocketConfiguration = socket => socket.RemoteCertificateValidationCallback = IsOurs);
        await dotnet.StartAsync();
        await using var script = await NodeScript.StartAsync(
            new Dictionary<string, string?> { ["WEBSOCKETS_ONLY"] = "1", ["NODE_EXTRA_CA_CERTS"] = _folder.File("notify.crt") }, "follow.mjs", _url.ToString()
                .TrimEnd('/'), "messagepack", "shop/#");
        await script.WaitForAsync("caughtUp");
        using var stream = await EventStream.OpenAsync(_http, "filter=shop/%23");
        await stream.Events.FirstAsync(e => e.Name == "caught-up", Limit);

        List<long> versions = [await _nodes[0].PublishAsync("shop/a", "through the first"), await _nodes[1].PublishAsync("shop/a", "through the second")];
        await AllHaveAsync(versions);
        await stream.Events.FirstAsync(e => e.Data.Contains("through the second", StringComparison.Ordinal), Limit);

        await _nodes[0].TerminateAsync(Limit);
        Assert.Equal(0, _nodes[0].ExitCode);
        versions.Add(await _nodes[1].PublishAsync("shop/a", "after the first is gone"));
        await AllHaveAsync(versions);
        using var again = await EventStream.OpenAsync(_http, $"filter=shop/%23&since={versions[1]}");
        await again.Events.FirstAsync(e => e.Data.Contains("after the first is gone", StringComparison.Ordinal), Limit);

        Assert.Empty(dotnet.Closed.Items);
        Assert.DoesNotContain(script.Objects, said => said.TryGetProperty("closed", out _));

        async Task AllHaveAsync(List<long> wanted)
        {
            await dotnet.Received.CountAsync(wanted.Count, Limit);
            Assert.Equal(wanted, dotnet.Received.Items);
            await script.WaitForAsync("notification", n => n.GetProperty("version").GetInt64() == wanted[^1]);
        }
    }

    [Theory]
    [InlineData("https", true)] // the page's own origin, although the nodes themselves speak http
    [InlineData("http", false)]
    public async Task The_own_origin_is_the_one_that_the_browser_sees(string scheme, bool allowed)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "api/v1/notifications?limit=1");
        request.Headers.Add("Origin", $"{scheme}://localhost:{_url.Port}");
        using var response = await _http.SendAsync(request, Cancel);
        Assert.Equal(allowed ? HttpStatusCode.OK : HttpStatusCode.Forbidden, response.StatusCode);

        using var socket = new ClientWebSocket();
        socket.Options.SetRequestHeader("Origin", $"{scheme}://localhost:{_url.Port}");
        socket.Options.RemoteCertificateValidationCallback = IsOurs;
        var connecting = socket.ConnectAsync(new UriBuilder(new Uri(_url, "hubs/notifications")) { Scheme = "wss" }.Uri, Cancel);
        if (allowed) await connecting;
        else await Assert.ThrowsAsync<WebSocketException>(() => connecting);
    }

    private async Task MakeCertificateAsync()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256);
        var names = new SubjectAlternativeNameBuilder();
        names.AddDnsName("localhost");
        request.CertificateExtensions.Add(names.Build());
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        var now = TimeProvider.System.GetUtcNow();
        using var certificate = request.CreateSelfSigned(now.AddDays(-1), now.AddDays(1));
        _certificate = certificate.GetCertHashString(HashAlgorithmName.SHA256);
        await File.WriteAllTextAsync(_folder.File("notify.crt"), certificate.ExportCertificatePem(), Cancel);
        await File.WriteAllTextAsync(_folder.File("notify.key"), key.ExportPkcs8PrivateKeyPem(), Cancel);
    }

    private bool IsOurs(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate?.GetCertHashString(HashAlgorithmName.SHA256) == _certificate;

    private string Block(int port)
    {
        var block = NginxBlock().Match(File.ReadAllText(Path.Combine(Repository.Root, "docs", "nginx.md"))).Groups["block"].Value;
        return Replace(Replace(Replace(Replace(Replace(block,
            "10.0.0.1:5080", $"127.0.0.1:{_nodes[0].Url.Port}"),
            "10.0.0.2:5080", $"127.0.0.1:{_nodes[1].Url.Port}"),
            "listen 443 ssl", $"listen 127.0.0.1:{port} ssl"),
            "/etc/ssl/notify.crt", _folder.File("notify.crt")),
            "/etc/ssl/notify.key", _folder.File("notify.key"));

        static string Replace(string text, string old, string by)
        {
            Assert.Contains(old, text, StringComparison.Ordinal);
            return text.Replace(old, by, StringComparison.Ordinal);
        }
    }

    [GeneratedRegex(@"<!-- nginx -->\n```nginx\n(?<block>.+?)\n```", RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex NginxBlock();
}
