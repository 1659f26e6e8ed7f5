using Notify.Tests.Fixtures;

namespace Notify.Tests.Authentication;

/// <summary>One server in Production that takes tokens, for the tests of a class.</summary>
public sealed class GuardedServer : IAsyncLifetime
{
    internal ServerProcess Server { get; private set; } = null!;

    internal static string Admin => TestToken.Of("root", new { notify_admin = true });

    public async ValueTask InitializeAsync() => Server = await ServerProcess.StartAsync(("environment", "Production"), ("Notify:Auth:SigningKey", TestToken.Key));

    public async ValueTask DisposeAsync()
    {
        if (Server is not null) await Server.DisposeAsync();
    }
}
