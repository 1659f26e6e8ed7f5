using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Caching.Memory;

namespace Notify.Server.Authentication.Tokens;

/// <summary>
/// Tokens whose signature was found good, for a while. Kept under the hash of their text: no token stays in memory, and how long a look
/// takes says nothing of one. A look allocates nothing, and of a connection's last token hashes nothing.
/// </summary>
internal sealed class VerifiedTokens(TimeProvider time) : IDisposable
{
    private const long MaxCharacters = 16 * 1024 * 1024;
    private const int HashedOnStack = 1024;

    private static readonly int NameLength = Base64Url.GetEncodedLength(SHA256.HashSizeInBytes);

    /// <summary>A key that the authority withdrew is good for no longer than this beyond the authority's own refresh.</summary>
    private static readonly TimeSpan KeptFor = TimeSpan.FromMinutes(5);

    private readonly MemoryCache _kept = new(new MemoryCacheOptions { SizeLimit = MaxCharacters });

    /// <summary>Finds a token that was verified with the same generation of the authority's keys.</summary>
    public bool TryGet(ReadOnlyMemory<char> token, LastShown? last, int generation, [NotNullWhen(true)] out VerifiedToken? verified)
    {
        var kept = last?.Find<Kept>(token);
        if (!IsGood(kept) && IsGood(kept = Find(token.Span))) last?.Keep(token, kept!);
        verified = IsGood(kept) ? kept!.Token : null;
        return verified is not null;

        bool IsGood(Kept? one) => one is not null && one.Generation == generation && one.Until > time.GetUtcNow();
    }

    public void Keep(ReadOnlySpan<char> token, int generation, VerifiedToken verified)
    {
        Span<char> name = stackalloc char[NameLength];
        Hash(token, name);
        _kept.Set(name.ToString(), new Kept(generation, verified, time.GetUtcNow() + KeptFor), new MemoryCacheEntryOptions
        {
            Size = token.Length,
            AbsoluteExpirationRelativeToNow = KeptFor,
        });
    }

    public void Dispose() => _kept.Dispose();

    private Kept? Find(ReadOnlySpan<char> token)
    {
        Span<char> name = stackalloc char[NameLength];
        Hash(token, name);
        return _kept.TryGetValue(name, out Kept? kept) ? kept : null;
    }

    private static void Hash(ReadOnlySpan<char> token, Span<char> name)
    {
        var longest = Encoding.UTF8.GetMaxByteCount(token.Length);
        var bytes = longest <= HashedOnStack ? stackalloc byte[HashedOnStack] : new byte[longest];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(bytes[..Encoding.UTF8.GetBytes(token, bytes)], hash);
        Base64Url.EncodeToChars(hash, name);
    }

    private sealed record Kept(int Generation, VerifiedToken Token, DateTimeOffset Until);
}
