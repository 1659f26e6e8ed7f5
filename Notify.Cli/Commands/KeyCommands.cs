using System.CommandLine;
using System.Globalization;
using Notify.Contracts.People;

namespace Notify.Cli.Commands;

/// <summary><c>keys</c>: API keys.</summary>
internal static class KeyCommands
{
    public static Command Make(CliConsole console)
    {
        var keys = new Command("keys", "API keys; for admins.");
        GroupCommands.Add(keys, console, new Command("list", "Lists keys, without their secrets."), async (call, token) =>
            call.Results.List(await call.Api.Keys.ListAsync(token).ToListAsync(token), "id", "name", "publish", "subscribe", "admin", "createdAt", "expiresAt",
                "lastUsedAt"));

        var name = new Argument<string>("name") { Description = "The publisher's name on what is published with it." };
        Option<string[]> publish = new("--publish") { Description = "A filter of what it may publish; several times." },
            subscribe = new("--subscribe") { Description = "A filter that it may follow; several times." };
        Option<bool> admin = new("--admin") { Description = "May do everything." };
        Option<string?> expires = new("--expires") { Description = "In how long it ends, such as 90d; without: never." };
        GroupCommands.Add(keys, console, new Command("create", "Makes a key; its secret is shown this once.") { name, publish, subscribe, admin, expires },
            async (call, token) =>
        {
            var key = new NewApiKey
            {
                Name = call.Get(name),
                Publish = call.Get(publish) is { Length: > 0 } to ? to : null,
                Subscribe = call.Get(subscribe) is { Length: > 0 } from ? from : null,
                Admin = call.Get(admin) ? true : null,
                ExpiresAt = call.Get(expires) is { } after ? call.Console.Time.GetUtcNow() + Duration.Parse(after, "--expires") : null,
            };
            call.Results.One(await call.Api.Keys.CreateAsync(key, token));
        });

        var id = new Argument<string>("id") { Description = "The key's id, from list." };
        GroupCommands.Add(keys, console, new Command("delete", "Ends a key on every node.") { id }, async (call, token) =>
            await call.Api.Keys.DeleteAsync(call.Get(id), token));
        return keys;
    }
}

/// <summary>A length of time as 90d, 12h, 30m or 45s.</summary>
internal static class Duration
{
    public static TimeSpan Parse(string text, string option)
    {
        if (text.Length < 2 || !double.TryParse(text.AsSpan(0, text.Length - 1), NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            || number <= 0 || number > 100_000)
            throw new UsageException($"{option} is a time such as 90d, 12h, 30m or 45s.");
        return text[^1] switch
        {
            'd' => TimeSpan.FromDays(number),
            'h' => TimeSpan.FromHours(number),
            'm' => TimeSpan.FromMinutes(number),
            's' => TimeSpan.FromSeconds(number),
            _ => throw new UsageException($"{option} is a time such as 90d, 12h, 30m or 45s."),
        };
    }
}
