using System.Text;

namespace Notify.Contracts.Topics;

/// <summary>
/// The rules for topic names (MQTT 3.1.1 §4.7.3, with 512 bytes instead of 65,535): 1–512 UTF-8 bytes, segments split
/// by <c>/</c>, empty segments allowed, compared ordinally, never normalised.
/// </summary>
public static class TopicName
{
    /// <summary>The longest topic and filter, in UTF-8 bytes.</summary>
    public const int MaxBytes = 512;

    /// <summary>The longest user id and group name, in UTF-8 bytes.</summary>
    public const int MaxIdBytes = 128;

    /// <summary>In a path, the user that calls; so no user, group or device is called that.</summary>
    public const string Me = "me";

    private const string UserPrefix = "$user/";
    private const string GroupPrefix = "$group/";

    /// <summary>The reserved topic of a user.</summary>
    public static string OfUser(string userId) => UserPrefix + userId;

    /// <summary>The reserved topic of a group.</summary>
    public static string OfGroup(string group) => GroupPrefix + group;

    /// <summary>True for topics that begin with <c>$</c>: the system's.</summary>
    public static bool IsReserved(ReadOnlySpan<char> topic) => topic.Length > 0 && topic[0] == '$';

    /// <summary>Whether a publisher may name this topic; if not, <paramref name="problem"/> says why.</summary>
    public static bool IsValid(string? topic, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        problem =
            TextProblem(topic, MaxBytes, "topic")
            ?? (topic.AsSpan().IndexOfAny('+', '#') >= 0 ? "A topic has no '+' and no '#': those are for filters." : null)
            ?? (IsReserved(topic) ? "Topics that begin with '$' are the system's: address a 'user' or a 'group' instead." : null);
        return problem is null;
    }

    /// <summary>Whether this is a user id or a group name; <paramref name="what"/> names it in the problem.</summary>
    public static bool IsValidId(string? id, string what, [System.Diagnostics.CodeAnalysis.NotNullWhen(false)] out string? problem)
    {
        problem =
            TextProblem(id, MaxIdBytes, what)
            ?? (id.AsSpan().IndexOfAny('+', '#', '/') >= 0 ? $"A {what} has no '/', '+' or '#'." : null)
            ?? (IsReserved(id) ? $"A {what} does not begin with '$'." : null)
            ?? (id is Me or "." or ".." ? $"A {what} is not '{id}': in a path that means something else." : null);
        return problem is null;
    }

    internal static string? TextProblem(string? text, int maxBytes, string what)
    {
        if (text is null or "") return $"A {what} has at least one character.";
        if (text.Length > maxBytes || Encoding.UTF8.GetByteCount(text) > maxBytes) return $"A {what} has at most {maxBytes} UTF-8 bytes.";
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (char.IsControl(c)) return $"A {what} has no control characters.";
            if (!char.IsSurrogate(c)) continue;
            if (!char.IsHighSurrogate(c) || i + 1 == text.Length || !char.IsLowSurrogate(text[++i]))
                return $"A {what} has no unpaired surrogates.";
        }

        return null;
    }
}
