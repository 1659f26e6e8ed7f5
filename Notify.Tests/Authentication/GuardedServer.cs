using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>Tests of one server in Production that takes tokens, one after the other.</summary>
[CollectionDefinition(nameof(GuardedServer))]
public sealed class GuardedServerTests : ICollectionFixture<GuardedServer>;

/// <summary>The server, which believes a proxy on this machine.</summary>
public sealed class GuardedServer : IAsyncLifetime
{
    internal ServerProcess Server { get; private set; } = null!;

    internal static string Admin => TestToken.Of("root", new { notify_admin = true });

    public async ValueTask InitializeAsync() =>
        Server = await ServerProcess.StartAsync(("environment", "Production"), ("Notify:Auth:SigningKey", TestToken.Key),
        ("Notify:KnownProxies:0", "127.0.0.1"));

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
    }
}
