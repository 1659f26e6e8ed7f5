using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using Notify.Contracts;
using Notify.Contracts.Topics;

namespace Notify.Engine.Publishing;

/// <summary>
/// The rules for publishing, in one place: a POST, a batch's item and the hub's Publish all come through here as JSON
/// bytes. How long a request may be is its door's business.
/// </summary>
internal static class PublishRequestReader
{
    /// <summary>Ten years: far beyond any retention, and safe to add to a date.</summary>
    internal const long MaxTtlSeconds = 10 * 365 * 24 * 60 * 60L;

    internal static readonly Refusal BadTtl = Refusal.Invalid($"'ttlSeconds' is a whole number from 1 to {MaxTtlSeconds}.");

    private static readonly Refusal OneAddress = Refusal.Invalid("Give one address: 'topic', 'group' or 'user'.");
    private static readonly Refusal NoContent = Refusal.Invalid("Give at least one of 'title', 'body' and 'data'.");
    private static readonly Refusal BadPriority = Refusal.Invalid("'priority' is 'low', 'normal', 'high' or 'urgent'.");
    private static readonly Refusal BadLink = Refusal.Invalid(LinkRule.Allowed);

    /// <summary>Reads one notification; <paramref name="publisher"/> is the name that readers see, if the caller has one.</summary>
    public static bool TryRead(
        ReadOnlySpan<byte> json,
        string? publisher,
        [NotNullWhen(true)] out PublishCommand? command,
        [NotNullWhen(false)] out Refusal? refusal)
    {
        command = null;
        try
        {
            var members = new PublishMembers(json);
            refusal = members.Read() ?? Check(members, publisher, out command);
        }
        catch (JsonException malformed)
        {
            refusal = StrictJson.Malformed(malformed);
        }

        return refusal is null;
    }

    private static Refusal? Check(scoped in PublishMembers members, string? publisher, out PublishCommand? command)
    {
        command = null;
        if (Address(members, out var topic) is { } badAddress) return badAddress;
        if (!members.Title.IsPresent && !members.Body.IsPresent && members.Data.IsEmpty) return NoContent;
        if (members.Priority.IsPresent && !Priorities.IsKnown(members.Priority.ToString())) return BadPriority;
        if (members.Link.IsPresent && !LinkRule.IsAllowed(members.Link.ToString())) return BadLink;
        if (members.TtlSeconds is < 1 or > MaxTtlSeconds) return BadTtl;

        var key = members.IdempotencyKey.IsPresent ? members.IdempotencyKey.ToString() : null;
        if (key is not null && IdempotencyKeys.Problem(key, members.Ephemeral) is { } badKey) return badKey;
        command = new PublishCommand(topic, ContentWriter.Write(members, publisher), members.TtlSeconds, members.Ephemeral, key);
        return null;
    }

    private static Refusal? Address(scoped in PublishMembers members, out string topic)
    {
        topic = "";
        string? problem;
        switch (members.Topic.IsPresent, members.Group.IsPresent, members.User.IsPresent)
        {
            case (true, false, false):
                topic = members.Topic.ToString();
                return TopicName.IsValid(topic, out problem) ? null : new Refusal(ErrorCodes.InvalidTopic, problem);
            case (false, true, false):
                var group = members.Group.ToString();
                topic = TopicName.OfGroup(group);
                return TopicName.IsValidId(group, "group", out problem) ? null : Refusal.Invalid(problem);
            case (false, false, true):
                var user = members.User.ToString();
                topic = TopicName.OfUser(user);
                return TopicName.IsValidId(user, "user", out problem) ? null : Refusal.Invalid(problem);
            default:
                return OneAddress;
        }
    }
}
