using Notify.Contracts.Topics;
using Notify.Engine.Access;

namespace Notify.Tests.Access;

/// <summary>Callers as the authenticator makes them.</summary>
internal static class Callers
{
    /// <summary>Everything is granted, and the caller is no user.</summary>
    public static readonly Caller Anyone = new() { Kind = CallerKind.Development, Grants = Grants.OfAdmin };

    public static readonly Caller Admin = new() { Kind = CallerKind.Token, User = "root", Name = "root", Grants = Grants.OfAdmin };

    public static Caller User(string user, string[]? subscribe = null, string[]? publish = null, string[]? groups = null, string[]? join = null) => new()
    {
        Kind = CallerKind.Token,
        User = user,
        Name = user,
        Publisher = $"jwt::{user}",
        Grants = new Grants { Subscribe = Filters(subscribe), Publish = Filters(publish), Groups = groups ?? [], Join = join ?? [] },
    };

    public static TopicFilter[] Filters(params string[]? texts) => [.. (texts ?? []).Select(Filter)];

    public static TopicFilter Filter(string text) =>
        TopicFilter.TryParseAny(text, out var filter, out var problem) ? filter : throw new ArgumentException($"{text}: {problem}");
}
