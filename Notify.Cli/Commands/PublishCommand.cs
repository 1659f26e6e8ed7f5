using System.CommandLine;
using System.Text.Json;
using Notify.Client;
using Notify.Contracts.Publishing;

namespace Notify.Cli.Commands;

/// <summary><c>publish</c>: one notification, stored when the command ends well, however often it was sent.</summary>
internal static class PublishCommand
{
    public static Command Make(CliConsole console)
    {
        var topic = new Argument<string?>("topic") { Description = "Where to; not with --user or --group.", Arity = ArgumentArity.ZeroOrOne };
        var body = new Argument<string?>("body") { Description = "Text for a person; - reads standard input.", Arity = ArgumentArity.ZeroOrOne };
        Option<string?> user = new("--user") { Description = "To a user." }, group = new("--group") { Description = "To a group." };
        Option<string?> title = new("--title") { Description = "One line for a person." },
            type = new("--type") { Description = "Its kind, such as order.created." };
        Option<string?> data = new("--data") { Description = "JSON for programs." }, link = new("--link") { Description = "Where a person goes from here." };
        Option<string?> priority = new("--priority") { Description = "low, normal, high or urgent." },
            key = new("--key") { Description = "Idempotency key; default: one of its own." };
        priority.AcceptOnlyFromAmong("low", "normal", "high", "urgent");
        Option<string[]> tags = new("--tag") { Description = "A label; may be given several times." };
        Option<long?> ttl = new("--ttl") { Description = "Seconds until it expires." };
        Option<bool> ephemeral = new("--ephemeral") { Description = "To who is live; not stored." };
        var command =
            new Command("publish", "Publishes one notification.") { topic, body, user, group, title, type, data, link, priority, key, tags, ttl, ephemeral };
        command.SetCall(console, async (call, token) =>
        {
            var (to, text) = (call.Get(topic), call.Get(body));
            if ((call.Get(user) ?? call.Get(group)) is not null)
            {
                if (text is not null) throw new UsageException("Give a topic, --user or --group.");
                (to, text) = (null, to);
            }

            if (text == "-") text = await call.Console.In.ReadToEndAsync(token);
            var result = await new NotifyPublisher(call.Http).PublishAsync(
                new PublishRequest
                {
                    Topic = to,
                    User = call.Get(user),
                    Group = call.Get(group),
                    Body = text,
                    Title = call.Get(title),
                    Type = call.Get(type),
                    Data = call.Get(data) is { } json ? Parse(json) : null,
                    Link = call.Get(link),
                    Priority = call.Get(priority),
                    Tags = call.Get(tags) is { Length: > 0 } labels ? labels : null,
                    TtlSeconds = call.Get(ttl),
                    Ephemeral = call.Get(ephemeral) ? true : null,
                    IdempotencyKey = call.Get(key),
                },
                token);
            call.Results.One(result);
            return ExitCodes.Done;
        });
        return command;
    }

    private static JsonElement Parse(string json)
    {
        try
        {
            return JsonElement.Parse(json);
        }
        catch (JsonException e)
        {
            throw new UsageException($"--data is no JSON: {e.Message}");
        }
    }
}
