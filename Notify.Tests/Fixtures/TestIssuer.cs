using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;

namespace Notify.Tests.Fixtures;

/// <summary>An OIDC authority: its discovery document and its keys, over HTTP on a port of its own; it can be stopped and come back.</summary>
internal sealed class TestIssuer : IAsyncDisposable
{
    private readonly Dictionary<string, (RSA Key, string? Algorithm)> _keys = [];
    private readonly ReservedPort _port = new();
    private WebApplication? _app;
    private int _served;

    public TestIssuer() => AddKey("first");

    public int Port => _port.Number;

    public string Url => $"http://127.0.0.1:{Port}/realm";

    /// <summary>How often its keys were fetched.</summary>
    public int Served => Volatile.Read(ref _served);

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateBuilder();
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{Port}");
        _app = builder.Build();
        _app.MapGet("/realm/.well-known/openid-configuration", () =>
            Results.Json(new Dictionary<string, object> { ["issuer"] = Url, ["jwks_uri"] = $"{Url}/keys" }));
        _app.MapGet("/realm/keys", () =>
        {
            Interlocked.Increment(ref _served);
            lock (_keys) return Results.Json(new { keys = _keys.Select(key => Jwk(key.Key, key.Value.Key, key.Value.Algorithm)).ToArray() });
        });
        await _app.StartAsync();
    }

    public async Task StopAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _app = null;
    }

    public void AddKey(string id, string? algorithm = null)
    {
        lock (_keys) _keys[id] = (RSA.Create(2048), algorithm);
    }

    public void RemoveKey(string id)
    {
        lock (_keys) _keys.Remove(id);
    }

    public RSA Key(string id)
    {
        lock (_keys) return _keys[id].Key;
    }

    public string Token(string user, string keyId = "first", string algorithm = "RS256", string audience = "notify", string? issuer = null,
        object? claims = null, string? header = null)
    {
        var now = TimeProvider.System.GetUtcNow();
        var payload =
            new Dictionary<string, object?>
            {
                ["iss"] = issuer ?? Url,
                ["aud"] = audience,
                ["sub"] = user,
                ["iat"] = now.ToUnixTimeSeconds(),
                ["exp"] = now.AddMinutes(10).ToUnixTimeSeconds()
            };
        foreach (var property in claims?.GetType().GetProperties() ?? []) payload[property.Name] = property.GetValue(claims);
        var key = Key(keyId);
        return TestToken.Sign(
            header ?? JsonSerializer.Serialize(new { alg = algorithm, typ = "at+jwt", kid = keyId }),
            JsonSerializer.Serialize(payload),
            body => key.SignData(body, algorithm.EndsWith("512", StringComparison.Ordinal) ? HashAlgorithmName.SHA512 : HashAlgorithmName.SHA256,
                algorithm.StartsWith("PS", StringComparison.Ordinal) ? RSASignaturePadding.Pss : RSASignaturePadding.Pkcs1));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _port.Dispose();
        foreach (var (key, _) in _keys.Values) key.Dispose();
    }

    private static Dictionary<string, object> Jwk(string id, RSA key, string? algorithm)
    {
        var parameters = key.ExportParameters(false);
        var jwk = new Dictionary<string, object>
        {
            ["kty"] = "RSA",
            ["use"] = "sig",
            ["kid"] = id,
            ["n"] = TestToken.Encode(parameters.Modulus!),
            ["e"] = TestToken.Encode(parameters.Exponent!)
        };
        if (algorithm is not null) jwk["alg"] = algorithm;
        return jwk;
    }
}
