using System.Security.Cryptography;
using Microsoft.IdentityModel.Tokens;

namespace Notify.Server.Authentication.Tokens;

/// <summary>
/// HMAC for signing keys of 32 bytes or more, whatever the hash. The library demands a key as long as the hash is (48 bytes for HS384, 64
/// for HS512); HMAC takes any length, and 256 random bits are as hard to guess under each (RFC 2104 §3). That keys have 32 bytes is
/// checked at start.
/// </summary>
internal sealed class HmacProvider : CryptoProviderFactory
{
    public static readonly HmacProvider Instance = new();

    private HmacProvider() : base(new InMemoryCryptoProviderCache())
    {
    }

    public override KeyedHashAlgorithm CreateKeyedHashAlgorithm(byte[] keyBytes, string algorithm) => algorithm switch
    {
        SecurityAlgorithms.HmacSha256 => new HMACSHA256(keyBytes),
        SecurityAlgorithms.HmacSha384 => new HMACSHA384(keyBytes),
        SecurityAlgorithms.HmacSha512 => new HMACSHA512(keyBytes),
        _ => base.CreateKeyedHashAlgorithm(keyBytes, algorithm),
    };
}
