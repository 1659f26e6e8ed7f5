using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Notify.Contracts.Topics;
using Notify.Engine.Configuration;
using Notify.Server.Authentication.Tokens;
using Notify.Server.Configuration;

namespace Notify.Server.Hosting;

/// <summary><c>token</c>: prints a token signed with the first configured key, alone, so that a script can take it.</summary>
internal static class TokenCommand
{
    public const string Name = "token";

    private static readonly TimeSpan DefaultLifetime = TimeSpan.FromHours(1);

    public static async Task RunAsync(WebApplicationBuilder builder, CommandOptions options)
    {
        var user = options.One("user") ?? throw new SettingsException("The option --user is missing: the user of the token.");
        if (!TopicName.IsValidId(user, "user", out var problem)) throw new SettingsException($"The option --user is '{user}': {problem}");

        builder.Logging.ClearProviders(); // the token alone goes to stdout
        await using var app = builder.Build();
        var auth = app.Services.GetRequiredService<IOptions<NotifyOptions>>().Value.Auth;
        if (auth.Authority is not null)
            throw new SettingsException("Tokens are the authority's (Notify:Auth:Authority): a token signed with a key would be rejected. Get one there.");
        if (TokenServices.Keys(auth).FirstOrDefault() is not { } key)
            throw new SettingsException("There is no key to sign a token with: set Notify:Auth:SigningKey to a secret of at least 32 bytes, as the service " +
                "has it.");
        Console.WriteLine(Make(auth, key, user, options, app.Services.GetRequiredService<TimeProvider>().GetUtcNow()));
    }

    private static string Make(AuthSettings auth, SecurityKey key, string user, CommandOptions options, DateTimeOffset now)
    {
        var claims = new Dictionary<string, object>
        {
            [Claims.Subject] = user,
            ["iat"] = now.ToUnixTimeSeconds(),
            ["exp"] = (now + (options.Time("for") ?? DefaultLifetime)).ToUnixTimeSeconds(),
        };
        if (options.Filters("subscribe") is { Count: > 0 } subscribe) claims[Claims.Subscribe] = subscribe.ToArray();
        if (options.Filters("publish") is { Count: > 0 } publish) claims[Claims.Publish] = publish.ToArray();
        if (options.Has("admin")) claims[Claims.Admin] = true;
        return new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
        {
            Claims = claims,
            Issuer = auth.Issuer,
            Audience = auth.Audience,
            SigningCredentials = new SigningCredentials(key, SecurityAlgorithms.HmacSha256),
        });
    }
}
