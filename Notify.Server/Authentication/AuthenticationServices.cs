using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Tail;
using Notify.Server.Authentication.Keys;
using Notify.Server.Authentication.Tokens;

namespace Notify.Server.Authentication;

/// <summary>From credentials to callers.</summary>
internal static class AuthenticationServices
{
    public static IServiceCollection AddNotifyAuthentication(this IServiceCollection services, AuthSettings settings)
    {
        services.AddNotifyTokens(settings);
        services.AddSingleton<ApiKeyVerifier>();
        services.AddHostedService(s => s.GetRequiredService<ApiKeyVerifier>());
        services.AddSingleton<LiveCallers>();
        services.AddHostedService(s => s.GetRequiredService<LiveCallers>());
        services.AddSingleton<Revocations>();
        services.AddSingleton<ILogApplier>(s => s.GetRequiredService<Revocations>());
        services.AddSingleton<HostPrincipal>();
        services.AddSingleton<CredentialState>();
        services.AddSingleton<CurrentAccessMode>();
        services.AddSingleton<BadCredentials>();
        services.AddSingleton<AccessMetrics>();
        services.AddSingleton<Authenticator>();
        return services;
    }
}
