using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>The rules for idempotency keys, and how they are stored.</summary>
internal static class IdempotencyKeys
{
    internal const int MaxLength = 255;

    internal const string HeaderName = "Idempotency-Key";

    // Keys that a batch's header stands for live apart: an item's own key "a#0" is not the first item of batch "a".
    private const string OwnPrefix = "k:";
    private const string BatchPrefix = "b:";

    private static readonly Refusal Different = Refusal.Invalid($"The header '{HeaderName}' and the member 'idempotencyKey' differ; give one of them.");
    private static readonly Refusal Both = Refusal.Invalid($"The header '{HeaderName}' stands for every item; give it or the member 'idempotencyKey'.");

    /// <summary>Why <paramref name="key"/> is not a valid key of a request; null when it is.</summary>
    public static Refusal? Problem(string key, bool ephemeral)
    {
        if (ephemeral) return Refusal.Invalid("An ephemeral notification is not stored and takes no idempotency key.");
        if (key.Length is 0 or > MaxLength) return Refusal.Invalid($"An idempotency key has 1 to {MaxLength} characters.");
        return key.Any(char.IsControl) ? Refusal.Invalid("An idempotency key has no control characters.") : null; // Postgres text takes no NUL
    }

    /// <summary>Whether header and request agree on the key.</summary>
    /// <param name="item">The index in its batch; null for a single publish.</param>
    public static Refusal? Check(in PublishCall call, PublishCommand command, int? item)
    {
        if (call.HeaderKey is not { } header) return null; // the request's own key was checked when it was read
        if (command.IdempotencyKey is { } own && (item is not null || own != header)) return item is null ? Different : Both;
        return Problem(header, command.Ephemeral);
    }

    /// <summary>The key of a publish that <see cref="Check"/> does not refuse; null without one.</summary>
    /// <param name="item">The index in its batch, whose header stands for the items; null for a single publish.</param>
    public static IdempotencyKey? Of(in PublishCall call, PublishCommand command, int? item, ReadOnlySpan<byte> json)
    {
        if ((call.HeaderKey ?? command.IdempotencyKey) is not { } text) return null;
        var key = call.HeaderKey is not null && item is { } index ? $"{BatchPrefix}{text}#{index.ToString(CultureInfo.InvariantCulture)}" : OwnPrefix + text;
        return new IdempotencyKey(call.Caller.Publisher, key, Hash(call.Name, json));
    }

    /// <summary>What tells one request from another under the same key: SHA-256 of the call (method and path) and the body.</summary>
    private static byte[] Hash(string call, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(call));
        hash.AppendData("\n"u8);
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }
}
