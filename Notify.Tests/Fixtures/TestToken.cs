using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Notify.Tests.Fixtures;

/// <summary>JWTs by hand, also such as no library would make.</summary>
internal static class TestToken
{
    public const string Key = "a test's signing key of 44 bytes, 0123456789";

    /// <summary>A good one for a user, with these claims beside <c>sub</c>, <c>iat</c> and <c>exp</c>.</summary>
    public static string Of(string? user, object? claims = null, TimeSpan? lifetime = null, string key = Key)
    {
        var now = TimeProvider.System.GetUtcNow();
        var payload =
            new Dictionary<string, object?> { ["iat"] = now.ToUnixTimeSeconds(), ["exp"] = (now + (lifetime ?? TimeSpan.FromMinutes(10))).ToUnixTimeSeconds() };
        if (user is not null) payload["sub"] = user;
        foreach (var property in claims?.GetType().GetProperties() ?? []) payload[property.Name] = property.GetValue(claims);
        return Hmac("""{"alg":"HS256","typ":"JWT"}""", JsonSerializer.Serialize(payload), key);
    }

    public static string Hmac(string header, string payload, string key = Key, string algorithm = "HS256") =>
        Sign(header, payload, bytes => algorithm switch
        {
            "HS384" => HMACSHA384.HashData(Encoding.UTF8.GetBytes(key), bytes),
            "HS512" => HMACSHA512.HashData(Encoding.UTF8.GetBytes(key), bytes),
            _ => HMACSHA256.HashData(Encoding.UTF8.GetBytes(key), bytes),
        });

    public static string Sign(string header, string payload, Func<byte[], byte[]> sign)
    {
        var body = $"{Encode(Encoding.UTF8.GetBytes(header))}.{Encode(Encoding.UTF8.GetBytes(payload))}";
        return $"{body}.{Encode(sign(Encoding.ASCII.GetBytes(body)))}";
    }

    public static string Encode(byte[] bytes) => Base64Url.EncodeToString(bytes);
}
