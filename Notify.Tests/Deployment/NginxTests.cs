using Notify.Tests.Fixtures;

namespace Notify.Tests.Deployment;

/// <summary>deploy/nginx.conf, which is the block of docs/nginx.md for compose.</summary>
public sealed class NginxTests(PostgresCluster postgres) : ProxySpecification(postgres)
{
    private static readonly string Compose = File.ReadAllText(Path.Combine(Repository.Root, "deploy", "nginx.conf"));

    [Fact]
    public void The_one_for_compose_is_that_of_the_docs_without_TLS()
    {
        var documented = Block("docs/nginx.md", "nginx").Replace("10.0.0.1", "node1", StringComparison.Ordinal)
            .Replace("10.0.0.2", "node2", StringComparison.Ordinal)
            .Split('\n').Where(line => !line.Contains("ssl", StringComparison.Ordinal) && !line.Contains("server_name", StringComparison.Ordinal));
        Assert.Equal(documented, Compose.TrimEnd('\n').Split('\n')[1..].Where(line => line != "    listen 80;"));
    }

    private protected override async Task<IAsyncDisposable> StartProxyAsync(TempFolder folder, int first, int second, int port) => await Nginx.StartAsync(
        folder,
        Replace(Replace(Replace(Compose, "node1:5080", $"127.0.0.1:{first}"), "node2:5080", $"127.0.0.1:{second}"), "listen 80;", $"listen 127.0.0.1:{port};"),
        port);
}
