using System.CommandLine;
using System.Text;
using System.Text.Json;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Notify.Cli.Commands;

/// <summary><c>token</c>: the caller's identity, and JWTs for a service with a signing key.</summary>
internal static class TokenCommands
{
    public static Command Make(CliConsole console)
    {
        var tokens = new Command("token", "Shows who the service takes the caller for, and what it may.");
        tokens.SetCall(console, async (call, token) =>
        {
            call.Results.One(await call.Api.GetMeAsync(token));
            return ExitCodes.Done;
        });

        var user = new Option<string>("--user") { Description = "The user id (sub).", Required = true };
        Option<string[]> publish = new("--publish") { Description = "A filter of what it may publish; several times." },
            subscribe = new("--subscribe") { Description = "A filter that it may follow; several times." };
        Option<bool> admin = new("--admin") { Description = "May do everything." };
        var lifetime = new Option<string>("--for") { Description = "How long it is good.", DefaultValueFactory = _ => "1h" };
        var key = new Option<string?>("--signing-key")
        {
            Description =
            "The service's Notify:Auth:SigningKey; else NOTIFY_SIGNING_KEY, which no process list shows."
        };
        var create = new Command("create", "Prints a JWT signed with the service's key; nothing is sent.") { user, publish, subscribe, admin, lifetime, key };
        create.SetAction(parsed =>
        {
            var secret = parsed.GetValue(key) ?? console.Variable("NOTIFY_SIGNING_KEY")
                ?? throw new UsageException("Give --signing-key or set NOTIFY_SIGNING_KEY.");
            if (Encoding.UTF8.GetByteCount(secret) < 32) throw new UsageException("A signing key has at least 32 bytes.");
            var now = console.Time.GetUtcNow();
            var claims = new Dictionary<string, object> { ["sub"] = parsed.GetValue(user)! };
            if (parsed.GetValue(publish) is { Length: > 0 } to) claims["notify_publish"] = to;
            if (parsed.GetValue(subscribe) is { Length: > 0 } from) claims["notify_subscribe"] = from;
            if (parsed.GetValue(admin)) claims["notify_admin"] = true;
            console.Out.WriteLine(new JsonWebTokenHandler { SetDefaultTimesOnTokenCreation = false }.CreateToken(new SecurityTokenDescriptor
            {
                Claims = claims,
                IssuedAt = now.UtcDateTime,
                Expires = (now + Duration.Parse(parsed.GetValue(lifetime)!, "--for")).UtcDateTime,
                SigningCredentials = new SigningCredentials(new SymmetricSecurityKey(Encoding.UTF8.GetBytes(secret)), SecurityAlgorithms.HmacSha256),
            }));
            return ExitCodes.Done;
        });
        tokens.Subcommands.Add(create);

        var token = new Argument<string?>("token") { Description = "A JWT; default: the one that the commands use.", Arity = ArgumentArity.ZeroOrOne };
        var decode = new Command("decode", "Shows what a JWT says, unverified; nothing is sent.") { token };
        decode.SetCall(console, (call, _) =>
        {
            var text = call.Get(token) ?? call.Token ?? throw new UsageException("There is no token.");
            try
            {
                call.Results.One(JsonElement.Parse(Base64UrlEncoder.DecodeBytes(text.Split('.') is [_, var payload, _] ? payload
                    : throw new UsageException("That is no JWT."))));
            }
            catch (Exception e) when (e is FormatException or JsonException)
            {
                throw new UsageException("That is no JWT.");
            }

            return Task.FromResult(ExitCodes.Done);
        });
        tokens.Subcommands.Add(decode);
        return tokens;
    }
}
