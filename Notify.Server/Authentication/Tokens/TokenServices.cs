using System.Text;
using Microsoft.AspNetCore.Authentication.JwtBearer;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Notify.Engine.Configuration;

namespace Notify.Server.Authentication.Tokens;

/// <summary>The verifier of tokens, and the options of its scheme. The host's schemes and their options stay as they are.</summary>
internal static class TokenServices
{
    public static IServiceCollection AddNotifyTokens(this IServiceCollection services, AuthSettings settings)
    {
        services.AddSingleton<GrantRules>();
        if (settings.TakesTokens) AddVerifier(services, settings);
        else services.AddSingleton<ITokenVerifier, NoTokens>();
        return services;
    }

    /// <summary>The keys that tokens may be signed with; the first one signs.</summary>
    public static IEnumerable<SecurityKey> Keys(AuthSettings settings) =>
        settings.AllSigningKeys.Select(key => new SymmetricSecurityKey(Encoding.UTF8.GetBytes(key)) { CryptoProviderFactory = HmacProvider.Instance });

    private static void AddVerifier(IServiceCollection services, AuthSettings settings)
    {
        if (settings.Authority is not null)
            services.AddSingleton(s => new AuthorityKeys(settings, s.GetRequiredService<TimeProvider>(), s.GetRequiredService<ILogger<AuthorityKeys>>()));
        services.AddOptions<JwtBearerOptions>(TokenVerifier.Scheme)
            .Configure<IServiceProvider>((options, provider) => Set(options, settings, provider.GetService<AuthorityKeys>()));
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IPostConfigureOptions<JwtBearerOptions>, JwtBearerPostConfigureOptions>());
        services.AddSingleton<ITokenVerifier>(s => new TokenVerifier(
            s.GetRequiredService<IOptionsMonitor<JwtBearerOptions>>(),
            s.GetRequiredService<GrantRules>(),
            s,
            s.GetRequiredService<TimeProvider>(),
            s.GetService<AuthorityKeys>()));
    }

    private static void Set(JwtBearerOptions options, AuthSettings settings, AuthorityKeys? authority)
    {
        options.MapInboundClaims = false;
        options.SaveToken = false;
        options.RefreshOnIssuerKeyNotFound = false; // the verifier does, at a bounded rate, and waits for it
        options.ConfigurationManager = authority;
        options.TokenHandlers.Clear();
        options.TokenHandlers.Add(new JsonWebTokenHandler { MapInboundClaims = false, MaximumTokenSizeInBytes = TokenText.MaxLength });
        options.TokenValidationParameters = new TokenValidationParameters
        {
            RequireSignedTokens = true,
            ValidAlgorithms = authority is null ? TokenAlgorithms.Symmetric : TokenAlgorithms.Asymmetric,
            IssuerSigningKeys = authority is null ? [.. Keys(settings)] : [], // a key made for each token would hash itself for each
            ValidateIssuer = authority is not null || settings.Issuer is not null,
            ValidIssuer = authority is null ? settings.Issuer : null,
            ValidateAudience = settings.Audience is not null,
            ValidAudience = settings.Audience,
            ValidateLifetime = false, // TokenTimes does, by this service's clock, and for what comes from the cache too
            LogValidationExceptions = false,
        };
    }
}
