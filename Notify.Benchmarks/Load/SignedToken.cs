using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;

namespace Notify.Benchmarks.Load;

/// <summary>JSON Web Tokens (HS256) for a server that was started with the same key; they do not run out.</summary>
internal static class SignedToken
{
    private static readonly string Header = Base64Url.EncodeToString("""{"alg":"HS256","typ":"JWT"}"""u8);

    /// <summary>A key for one run.</summary>
    public static string NewKey() => Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(32));

    /// <param name="claims">The payload as far as <c>exp</c>.</param>
    public static string Of(string signingKey, string claims)
    {
        var payload = $"{claims}\"exp\":{DateTimeOffset.MaxValue.AddYears(-1).ToUnixTimeSeconds()}}}";
        var text = $"{Header}.{Base64Url.EncodeToString(Encoding.UTF8.GetBytes(payload))}";
        return $"{text}.{Base64Url.EncodeToString(HMACSHA256.HashData(Encoding.UTF8.GetBytes(signingKey), Encoding.ASCII.GetBytes(text)))}";
    }
}
