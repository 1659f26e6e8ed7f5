using System.Globalization;
using System.Text;
using Notify.Contracts.Topics;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Server.Authentication;

namespace Notify.Server.Configuration;

/// <summary>A setting that is a list, or is below an item of one: <c>Auth:Grants:*:Subscribe:*</c>, where a star is a number from 0.</summary>
/// <param name="Pattern">Its path below the section.</param>
/// <param name="Allowed">What is allowed, as the end of "… is".</param>
/// <param name="IsSecret">Its value is never shown.</param>
/// <param name="TryApply">Puts a text into the options; false when it is not allowed. The number is the first star's.</param>
internal sealed record ListSetting(string Pattern, string Allowed, bool IsSecret, Func<NotifyOptions, int, string, bool> TryApply)
{
    /// <summary>Bytes of a signing key, as many as the shortest hash has.</summary>
    public const int LeastKeyBytes = 32;

    private const string Star = "*";
    private const string FilterText = "a topic filter, such as orders/#";
    private const string GrantedText = "a topic filter, such as orders/# or users/{user}/#";
    private const string GroupText = "a group name";

    public static readonly ListSetting[] All =
    [
        new("Auth:SigningKeys:*", $"at least {LeastKeyBytes} bytes of UTF-8", true, (o, _, v) => IsSigningKey(v) && Added(o.Auth.SigningKeys, v)),
        new("Auth:Anonymous:Subscribe:*", FilterText, false, (o, _, v) => IsFilter(v) && Added(o.Auth.AnonymousSubscribe, v)),
        new("Auth:Anonymous:Publish:*", FilterText, false, (o, _, v) => IsFilter(v) && Added(o.Auth.AnonymousPublish, v)),
        new("Auth:Grants:*:Claim", "the name of a claim, or the path to it, such as realm_access.roles", false, (o, i, v) =>
            (Grant(o, i).Claim = v.Trim()).Length > 0),
        new("Auth:Grants:*:Value", "the value of the claim", false, (o, i, v) => (Grant(o, i).Value = v).Length > 0),
        new("Auth:Grants:*:Subscribe:*", GrantedText, false, (o, i, v) => IsFilter(v) && Added(Grant(o, i).Subscribe, v)),
        new("Auth:Grants:*:Publish:*", GrantedText, false, (o, i, v) => IsFilter(v) && Added(Grant(o, i).Publish, v)),
        new("Auth:Grants:*:Groups:*", GroupText, false, (o, i, v) => TopicName.IsValidId(v, "group", out _) && Added(Grant(o, i).Groups, v)),
        new("Auth:Grants:*:Join:*", $"{GroupText}, or + for any", false, (o, i, v) =>
            (v == Grants.AnyGroup || TopicName.IsValidId(v, "group", out _)) && Added(Grant(o, i).Join, v)),
        new("Auth:Grants:*:Admin", "true or false", false, (o, i, v) => bool.TryParse(v, out var flag) && ((Grant(o, i).Admin = flag) || true)),
        new("Auth:AttributeClaims:*", "the name of a claim", false, (o, _, v) => v.Trim().Length > 0 && Added(o.Auth.AttributeClaims, v.Trim())),
        new("KnownProxies:*", "an address or a network, such as 10.0.0.1 or 10.0.0.0/8", false, (o, _, v) =>
            ProxyRules.IsAllowed(v) && Added(o.KnownProxies, v)),
    ];

    /// <summary>How an example of it is written.</summary>
    public string Example => Pattern.Replace(Star, "0", StringComparison.Ordinal);

    /// <summary>The list of this key, and the number in it.</summary>
    public static ListSetting? Find(string key, out int index)
    {
        var segments = key.Split(':');
        var found = -1;
        var setting = Array.Find(All, known => Fits(known.Pattern.Split(':'), segments, out found));
        index = found;
        return setting;
    }

    /// <summary>Whether a list or an item of one is at or below this key: what an empty array leaves.</summary>
    public static bool IsOrHolds(string key)
    {
        var segments = key.Split(':');
        return All.Any(known =>
            known.Pattern.Split(':') is var pattern && segments.Length <= pattern.Length && Fits(pattern[..segments.Length], segments, out _));
    }

    /// <summary>Orders keys so that item 10 of a list comes after item 2.</summary>
    public static string SortKey(string key) =>
        string.Join(':', key.Split(':').Select(segment => IsNumber(segment, out var number) ? number.ToString("D10", CultureInfo.InvariantCulture) : segment));

    private static bool Fits(string[] pattern, string[] segments, out int index)
    {
        index = -1;
        if (pattern.Length != segments.Length) return false;
        for (var i = 0; i < pattern.Length; i++)
        {
            if (pattern[i] != Star)
            {
                if (!pattern[i].Equals(segments[i], StringComparison.OrdinalIgnoreCase)) return false;
                continue;
            }

            if (!IsNumber(segments[i], out var number)) return false;
            if (index < 0) index = number;
        }

        return true;
    }

    private static bool IsNumber(string segment, out int number) => int.TryParse(segment, NumberStyles.None, CultureInfo.InvariantCulture, out number);

    private static bool Added(IList<string> list, string value)
    {
        list.Add(value);
        return true;
    }

    // Items are numbered in the settings, perhaps with holes: the number is only what holds an item's keys together.
    private static GrantSettings Grant(NotifyOptions options, int number)
    {
        if (options.Auth.GrantsByNumber.TryGetValue(number, out var known)) return known;
        var grant = new GrantSettings();
        options.Auth.Grants.Add(grant);
        return options.Auth.GrantsByNumber[number] = grant;
    }

    internal static bool IsSigningKey(string key) => Encoding.UTF8.GetByteCount(key) >= LeastKeyBytes;

    // A placeholder is filled in later; whatever fills it is one plain segment.
    private static bool IsFilter(string text) => TopicFilter.TryParseAny(text.Replace(GrantRules.UserPlaceholder, "u", StringComparison.Ordinal), out _, out _);
}
