using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Deployment;

/// <summary>The block of docs/haproxy.md.</summary>
public sealed class HAProxyTests(PostgresCluster postgres) : ProxySpecification(postgres)
{
    private readonly ReservedPort _tls = new();
    private HAProxy? _proxy;

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _tls.Dispose();
        GC.SuppressFinalize(this);
    }

    // The first node, in each of the three lists: every time that it went down it has come up again.
    private protected override Task TakenAgainAsync(ServerProcess node) =>
        Eventually.TrueAsync(() => Count("/a is DOWN") == Count("/a is UP"), "HAProxy takes the node again");

    private int Count(string what) => _proxy!.Lines.Count(line => line.Contains(what, StringComparison.Ordinal));

    private protected override async Task<IAsyncDisposable> StartProxyAsync(TempFolder folder, int first, int second, int port)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var certificate = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(DateTimeOffset.UnixEpoch, TimeProvider.System.GetUtcNow().AddDays(1));
        await File.WriteAllTextAsync(folder.File("notify.pem"), $"{certificate.ExportCertificatePem()}\n{key.ExportPkcs8PrivateKeyPem()}\n");
        var block = Replace(Replace(Block("docs/haproxy.md", "haproxy"), "10.0.0.1:5080", $"127.0.0.1:{first}"), "10.0.0.2:5080", $"127.0.0.1:{second}");
        block = Replace(block, "bind :443 ssl crt /etc/ssl/notify.pem alpn h2,http/1.1",
            $"bind 127.0.0.1:{_tls} ssl crt {folder.File("notify.pem")} alpn h2,http/1.1\n    bind 127.0.0.1:{port}");
        return _proxy = await HAProxy.StartAsync(folder, block, port);
    }
}
