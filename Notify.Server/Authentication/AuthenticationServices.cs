using Notify.Engine.Configuration;
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
        services.AddSingleton<HostPrincipal>();
        services.AddSingleton<CredentialState>();
        services.AddSingleton<Doors>();
        services.AddSingleton<BadCredentials>();
        services.AddSingleton<AccessMetrics>();
        services.AddSingleton<Authenticator>();
        return services;
    }
}
