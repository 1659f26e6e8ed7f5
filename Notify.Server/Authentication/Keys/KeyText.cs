using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace Notify.Server.Authentication.Keys;

/// <summary>
/// An API key as it is written: <c>ntf_{id}_{secret}</c>, where the id is public (16 hexadecimal digits), and the secret is 256
/// random bits and a checksum of 32, so that a slip of the keyboard is told from a wrong key, and scanners can tell a real key.
/// </summary>
internal sealed record KeyText(string Id, string Text)
{
    public const string Prefix = "ntf_";

    private static readonly SearchValues<char> HexDigits = SearchValues.Create("0123456789abcdef");

    private const int IdBytes = 8;
    private const int SecretBytes = 32;
    private const int ChecksumBytes = 4;
    private const int SecretAt = 4 + 2 * IdBytes + 1;
    private const int ChecksumAt = SecretAt + 2 * SecretBytes;

    /// <summary>Characters of every key.</summary>
    public const int Length = ChecksumAt + 2 * ChecksumBytes;

    /// <summary>What is stored of a key: enough to recognise it, and nothing to make it from.</summary>
    public byte[] Hash => SHA256.HashData(Encoding.UTF8.GetBytes(Text));

    /// <summary>Whether its checksum fits.</summary>
    public bool IsWhole => string.Equals(Checksum(Text[..ChecksumAt]), Text[ChecksumAt..], StringComparison.Ordinal);

    public static bool IsKey(ReadOnlySpan<char> text) => text.StartsWith(Prefix, StringComparison.Ordinal);

    public static KeyText New()
    {
        var id = Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(IdBytes));
        var body = $"{Prefix}{id}_{Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(SecretBytes))}";
        return new KeyText(IdOf(body), body + Checksum(body));
    }

    /// <summary>False when the text is no key. One of the right form may still have a slip in it (<see cref="IsWhole"/>).</summary>
    public static bool TryRead(string text, [NotNullWhen(true)] out KeyText? key)
    {
        key = null;
        if (text.Length != Length || !IsKey(text) || text[SecretAt - 1] != '_') return false;
        if (!IsHex(text.AsSpan(Prefix.Length, 2 * IdBytes)) || !IsHex(text.AsSpan(SecretAt))) return false;
        key = new KeyText(IdOf(text), text);
        return true;
    }

    // Nothing prints a key, also when the record is logged.
    public override string ToString() => $"{Prefix}{Id}_…";

    private static string IdOf(string text) => text.Substring(Prefix.Length, 2 * IdBytes);

    private static string Checksum(string body) => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(body)).AsSpan(0, ChecksumBytes));

    private static bool IsHex(ReadOnlySpan<char> text) => !text.ContainsAnyExcept(HexDigits);
}
