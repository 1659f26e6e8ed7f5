using System.Text.Json;
using Microsoft.Extensions.Options;
using Notify.Contracts.Topics;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Directory.Attributes;
using Notify.Server.Authentication.Tokens;

namespace Notify.Server.Authentication;

/// <summary>From claims to grants: those that the claims name themselves, and those that <c>Notify:Auth:Grants</c> gives for them.</summary>
internal sealed class GrantRules(IOptions<NotifyOptions> options)
{
    /// <summary>Stands for the user id in the filters of the configuration, never in a claim.</summary>
    public const string UserPlaceholder = "{user}";

    // What a user says of itself is the user's own.
    private readonly string[] _attributes = [.. options.Value.Auth.AttributeClaims.Where(name => name != AttributePatch.Self)];

    private readonly GrantSettings[] _configured = [.. options.Value.Auth.Grants];

    /// <summary>Those claims that become attributes of the user on connect; null: none.</summary>
    public JsonElement? AttributesOf(Claims claims) => _attributes.Length == 0 ? null : claims.Members(_attributes);

    public Grants For(Claims claims, string? user)
    {
        var subscribe = claims.Filters(Claims.Subscribe);
        var publish = claims.Filters(Claims.Publish);
        var groups = claims.Names(Claims.Groups);
        var join = claims.Names(Claims.Join, Grants.AnyGroup);
        var admin = claims.IsTrue(Claims.Admin);
        foreach (var grant in _configured)
        {
            if (grant.Claim is { } claim && !claims.Has(claim, grant.Value!)) continue;
            subscribe.AddRange(Filled(grant.Subscribe, user));
            publish.AddRange(Filled(grant.Publish, user));
            groups.AddRange(grant.Groups);
            join.AddRange(grant.Join);
            admin |= grant.Admin;
        }

        return new Grants
        {
            Subscribe = [.. subscribe.Distinct()],
            Publish = [.. publish.Distinct()],
            Groups = [.. groups.Distinct(StringComparer.Ordinal)],
            Join = [.. join.Distinct(StringComparer.Ordinal)],
            Admin = admin,
        };
    }

    /// <summary>A filter of the configuration for this user; null when it grants nothing to it.</summary>
    /// <remarks>
    /// The placeholder is a whole segment and stays one, and no user id moves the filter to the system's topics: an issuer that picks user
    /// ids would pick grants otherwise.
    /// </remarks>
    public static TopicFilter? Fill(string filter, string? user)
    {
        if (filter.Contains(UserPlaceholder, StringComparison.Ordinal))
        {
            if (user is null || TopicName.IsReserved(filter)) return null;
            var segments = filter.Split('/');
            if (segments.Any(segment => segment != UserPlaceholder && segment.Contains(UserPlaceholder, StringComparison.Ordinal))) return null;
            filter = string.Join('/', segments.Select(segment => segment == UserPlaceholder ? user : segment));
            if (TopicName.IsReserved(filter) || filter.Split('/').Length != segments.Length) return null;
        }

        return TopicFilter.TryParseAny(filter, out var filled, out _) ? filled : null;
    }

    private static IEnumerable<TopicFilter> Filled(IEnumerable<string> filters, string? user) =>
        filters.Select(filter => Fill(filter, user)).OfType<TopicFilter>();
}
