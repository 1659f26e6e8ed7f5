using System.Net;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hosting;

/// <summary>The own process speaks TLS and HTTP/2 itself, in each of the ways that ASP.NET has to say so.</summary>
public sealed class HttpsTests : IDisposable
{
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(60);

    private readonly TempFolder _folder = new();
    private readonly ReservedPort _port = new();

    public void Dispose()
    {
        _port.Dispose();
        _folder.Dispose();
    }

    [Theory]
    [InlineData("Kestrel:Endpoints:Https:Url=https://127.0.0.1:{0}", "Kestrel:Endpoints:Https:Certificate")]
    [InlineData("Urls=https://127.0.0.1:{0}", "Kestrel:Certificates:Default")]
    [InlineData("Https_Ports={0}", "Kestrel:Certificates:Default")]
    public async Task It_listens_with_a_certificate_of_the_settings(string address, string certificate)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=localhost", key, HashAlgorithmName.SHA256)
            .CreateSelfSigned(TimeProvider.System.GetUtcNow().AddDays(-1), TimeProvider.System.GetUtcNow().AddDays(1));
        await File.WriteAllTextAsync(_folder.File("notify.crt"), made.ExportCertificatePem(), TestContext.Current.CancellationToken);
        await File.WriteAllTextAsync(_folder.File("notify.key"), key.ExportPkcs8PrivateKeyPem(), TestContext.Current.CancellationToken);

        string[] arguments =
        [
            Repository.ServerDll, "--Notify:Auth:AllowAnonymous=true", $"--Notify:Storage:SqlitePath={_folder.File("notify.db")}",
            $"--{address.Replace("{0}", $"{_port}", StringComparison.Ordinal)}",
            $"--{certificate}:Path={_folder.File("notify.crt")}", $"--{certificate}:KeyPath={_folder.File("notify.key")}",
        ];
        await using var server = ChildProcess.Start("dotnet", arguments, _folder.Path,
            new Dictionary<string, string?> { ["ASPNETCORE_ENVIRONMENT"] = "Production", ["ASPNETCORE_URLS"] = null });
        await server.WaitForLineAsync(line => line.Contains("Now listening on: https://", StringComparison.Ordinal), Limit);

        using var http = new HttpClient(new SocketsHttpHandler
        {
            SslOptions = { RemoteCertificateValidationCallback = (_, shown, _, _) => shown?.GetCertHashString() == made.GetCertHashString() },
        });
        using var request = new HttpRequestMessage(HttpMethod.Get, $"https://127.0.0.1:{_port}/health/live") { Version = HttpVersion.Version20 };
        using var answer = await http.SendAsync(request, TestContext.Current.CancellationToken);
        Assert.Equal((HttpStatusCode.OK, HttpVersion.Version20), (answer.StatusCode, answer.Version));
    }
}
