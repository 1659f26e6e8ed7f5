using System.Text.Json;
using System.Text.Unicode;
using Notify.Contracts;

namespace Notify.Engine.Publishing;

/// <summary>
/// The members of one publish request, found in a single pass over its bytes and of the right JSON types. What they
/// mean together is <see cref="PublishRequestReader"/>'s business.
/// </summary>
internal ref struct PublishMembers(ReadOnlySpan<byte> json)
{
    /// <summary>Labels are for filtering on screens: more than this is data.</summary>
    internal const int MaxTags = 32;
    internal const int MaxTagLength = 128;

    private const int LongestName = 14; // idempotencyKey
    private const string Tail = " Known are: topic, group, user, type, title, body, data, priority, tags, link, ttlSeconds, ephemeral, idempotencyKey.";

    private readonly ReadOnlySpan<byte> _json = json;
    private Utf8JsonReader _reader = new(json, StrictJson.Options);
    private Member _seen;

    [Flags]
    private enum Member
    {
        None = 0,
        Topic = 1,
        Group = 1 << 1,
        User = 1 << 2,
        Type = 1 << 3,
        Title = 1 << 4,
        Body = 1 << 5,
        Data = 1 << 6,
        Priority = 1 << 7,
        Tags = 1 << 8,
        Link = 1 << 9,
        TtlSeconds = 1 << 10,
        Ephemeral = 1 << 11,
        IdempotencyKey = 1 << 12,
    }

    public JsonText Topic { get; private set; }
    public JsonText Group { get; private set; }
    public JsonText User { get; private set; }
    public JsonText Type { get; private set; }
    public JsonText Title { get; private set; }
    public JsonText Body { get; private set; }

    /// <summary>The raw value; empty when absent.</summary>
    public ReadOnlySpan<byte> Data { get; private set; }
    public JsonText Priority { get; private set; }
    public List<string>? Tags { get; private set; }
    public JsonText Link { get; private set; }
    public long? TtlSeconds { get; private set; }
    public bool Ephemeral { get; private set; }
    public JsonText IdempotencyKey { get; private set; }

    /// <summary>Reads the whole request; null when every member is known, there once, and of its type.</summary>
    /// <exception cref="JsonException">It is not JSON, or too deep, or something follows it.</exception>
    public Refusal? Read()
    {
        // The reader itself does not look at the bytes of strings, and would throw on bad ones later.
        if (!Utf8.IsValid(_json)) return Refusal.Invalid("The request is not valid UTF-8.");
        if (!_reader.Read() || _reader.TokenType != JsonTokenType.StartObject) return Refusal.Invalid("A notification is a JSON object.");
        while (_reader.Read() && _reader.TokenType == JsonTokenType.PropertyName)
        {
            var member = Find();
            if (member == Member.None) return Refusal.Invalid($"The member '{StrictJson.Name(ref _reader)}' is unknown.{Tail}");
            if ((_seen & member) != 0) return Refusal.Invalid($"The member '{StrictJson.Name(ref _reader)}' is there twice.");
            _seen |= member;
            _reader.Read();
            if (_reader.TokenType != JsonTokenType.Null && ReadValue(member) is { } refusal) return refusal; // null: as if absent
        }

        _reader.Read(); // throws when something follows the object
        return null;
    }

    private readonly Member Find()
    {
        Span<byte> unescaped = stackalloc byte[LongestName * 6];
        scoped var name = _reader.ValueSpan;
        if (_reader.ValueIsEscaped)
        {
            if (name.Length > unescaped.Length || StrictJson.HasUnpairedSurrogate(name)) return Member.None;
            name = unescaped[.._reader.CopyString(unescaped)];
        }

        return name.Length switch
        {
            4 when name.SequenceEqual("user"u8) => Member.User,
            4 when name.SequenceEqual("type"u8) => Member.Type,
            4 when name.SequenceEqual("body"u8) => Member.Body,
            4 when name.SequenceEqual("data"u8) => Member.Data,
            4 when name.SequenceEqual("tags"u8) => Member.Tags,
            4 when name.SequenceEqual("link"u8) => Member.Link,
            5 when name.SequenceEqual("topic"u8) => Member.Topic,
            5 when name.SequenceEqual("group"u8) => Member.Group,
            5 when name.SequenceEqual("title"u8) => Member.Title,
            8 when name.SequenceEqual("priority"u8) => Member.Priority,
            9 when name.SequenceEqual("ephemeral"u8) => Member.Ephemeral,
            10 when name.SequenceEqual("ttlSeconds"u8) => Member.TtlSeconds,
            LongestName when name.SequenceEqual("idempotencyKey"u8) => Member.IdempotencyKey,
            _ => Member.None,
        };
    }

    private Refusal? ReadValue(Member member)
    {
        switch (member)
        {
            case Member.Data:
                var start = (int)_reader.TokenStartIndex;
                if (StrictJson.CheckValue(ref _reader) is { } bad) return bad;
                Data = _json[start..(int)_reader.BytesConsumed];
                return null;
            case Member.Tags:
                return ReadTags();
            case Member.TtlSeconds:
                if (_reader.TokenType != JsonTokenType.Number || !_reader.TryGetInt64(out var ttl)) return PublishRequestReader.BadTtl;
                TtlSeconds = ttl;
                return null;
            case Member.Ephemeral:
                if (_reader.TokenType is not (JsonTokenType.True or JsonTokenType.False)) return Refusal.Invalid("'ephemeral' is true or false.");
                Ephemeral = _reader.TokenType == JsonTokenType.True;
                return null;
            default:
                return ReadText(member);
        }
    }

    private Refusal? ReadText(Member member)
    {
        if (_reader.TokenType != JsonTokenType.String) return Refusal.Invalid($"'{Shown(member)}' is a string.");
        if (_reader.ValueIsEscaped && StrictJson.HasUnpairedSurrogate(_reader.ValueSpan))
            return new Refusal(member == Member.Topic ? ErrorCodes.InvalidTopic : ErrorCodes.InvalidRequest, $"'{Shown(member)}' has an unpaired surrogate.");
        var text = new JsonText(_json[(int)_reader.TokenStartIndex..(int)_reader.BytesConsumed], _reader.ValueIsEscaped);
        switch (member)
        {
            case Member.Topic: Topic = text; break;
            case Member.Group: Group = text; break;
            case Member.User: User = text; break;
            case Member.Type: Type = text; break;
            case Member.Title: Title = text; break;
            case Member.Body: Body = text; break;
            case Member.Priority: Priority = text; break;
            case Member.Link: Link = text; break;
            case Member.IdempotencyKey: IdempotencyKey = text; break;
            default: throw new ArgumentOutOfRangeException(nameof(member));
        }

        return null;
    }

    private Refusal? ReadTags()
    {
        var refusal = Refusal.Invalid($"'tags' is an array of at most {MaxTags} strings of 1 to {MaxTagLength} characters.");
        if (_reader.TokenType != JsonTokenType.StartArray) return refusal;
        var tags = new List<string>();
        while (_reader.Read() && _reader.TokenType != JsonTokenType.EndArray)
        {
            if (_reader.TokenType != JsonTokenType.String || tags.Count == MaxTags) return refusal;
            if (_reader.ValueIsEscaped && StrictJson.HasUnpairedSurrogate(_reader.ValueSpan)) return Refusal.Invalid("'tags' has an unpaired surrogate.");
            var tag = _reader.GetString()!;
            if (tag.Length is 0 or > MaxTagLength) return refusal;
            tags.Add(tag);
        }

        Tags = tags;
        return null;
    }

    private static string Shown(Member member) => member == Member.IdempotencyKey ? "idempotencyKey" : member.ToString().ToLowerInvariant();
}
