using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Notify.Engine.Access;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>The rules for idempotency keys, and how they are stored.</summary>
internal static class IdempotencyKeys
{
    internal const int MaxLength = 255;

    // Keys that a batch's header stands for live apart: an item's own key "a#0" is not the first item of batch "a".
    private const string OwnPrefix = "k:";
    private const string BatchPrefix = "b:";

    /// <summary>Why this is no key, or null.</summary>
    public static Refusal? Problem(string key, bool ephemeral)
    {
        if (ephemeral) return Refusal.Invalid("An ephemeral notification is not stored and takes no idempotency key.");
        if (key.Length is 0 or > MaxLength) return Refusal.Invalid($"An idempotency key has 1 to {MaxLength} characters.");
        return key.Any(char.IsControl) ? Refusal.Invalid("An idempotency key has no control characters.") : null; // Postgres text takes no NUL
    }

    /// <summary>The key of a single request.</summary>
    public static IdempotencyKey Own(Caller caller, string key, ReadOnlyMemory<byte> requestHash) =>
        new(caller.Publisher, OwnPrefix + key, requestHash);

    /// <summary>The key of a batch's item under the batch's header.</summary>
    public static IdempotencyKey OfBatch(Caller caller, string header, int index, ReadOnlyMemory<byte> requestHash) =>
        new(caller.Publisher, $"{BatchPrefix}{header}#{index.ToString(CultureInfo.InvariantCulture)}", requestHash);

    /// <summary>What tells one request from another under the same key: SHA-256 of the call (method and path) and the body.</summary>
    public static byte[] Hash(string call, ReadOnlySpan<byte> body)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes(call));
        hash.AppendData("\n"u8);
        hash.AppendData(body);
        return hash.GetHashAndReset();
    }
}
