using System.Text.Json;

namespace Notify.Client.Connection;

/// <summary>Holds the token. One question to the provider at a time, whichever call asks.</summary>
internal sealed class Tokens(Func<Task<string?>>? provider, TimeSpan limit, TimeProvider time) : IDisposable
{
    private readonly SemaphoreSlim _asking = new(1, 1);
    private DateTimeOffset _renewAt = DateTimeOffset.MinValue;

    /// <summary>The last one that was given.</summary>
    public string? Value { get; private set; }

    /// <summary>Another token may follow when this one is refused.</summary>
    public bool IsRenewable => provider is not null;

    /// <summary>How long until a new one should be had; null for a token that does not say when it ends.</summary>
    public TimeSpan? RenewIn
    {
        get
        {
            if (_renewAt == DateTimeOffset.MinValue) return null;
            var wait = _renewAt - time.GetUtcNow();
            return wait > TimeSpan.Zero ? wait : TimeSpan.Zero;
        }
    }

    /// <summary>The token; <paramref name="not"/>: another one than this, which was refused or is about to end.</summary>
    public async Task<string?> GetAsync(string? not, CancellationToken cancellationToken)
    {
        if (provider is null) return null;
        await _asking.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            if (Value is not null && Value != not && time.GetUtcNow() < _renewAt) return Value;
            try
            {
                Value = await provider().WaitAsync(limit, time, cancellationToken).ConfigureAwait(false);
            }
            catch (TimeoutException e)
            {
                throw NotifyException.TimedOut("The access token provider", e);
            }
            catch (Exception e) when (e is not OperationCanceledException || !cancellationToken.IsCancellationRequested)
            {
                // It says nothing about the token: transient, whatever it was.
                throw new NotifyException(null, $"The access token provider failed: {e.Message}", null, e);
            }

            // A minute before its end, or a fifth of its life when it is a short one.
            var now = time.GetUtcNow();
            var left = ExpiryOf(Value) - now;
            _renewAt = left > TimeSpan.Zero ? now + left.Value - Shorter(TimeSpan.FromMinutes(1), TimeSpan.FromTicks(left.Value.Ticks / 5))
                : DateTimeOffset.MinValue;
            return Value;
        }
        finally
        {
            _asking.Release();
        }
    }

    public void Dispose() => _asking.Dispose();

    /// <summary>What a JWT says of its end, unverified; null for what is no JWT.</summary>
    internal static DateTimeOffset? ExpiryOf(string? token)
    {
        if (token?.Split('.') is not [_, var payload, _]) return null;
        try
        {
            var base64 = payload.Replace('-', '+').Replace('_', '/');
            var claims = JsonElement.Parse(Convert.FromBase64String(base64.PadRight((base64.Length + 3) / 4 * 4, '=')));
            return claims.ValueKind == JsonValueKind.Object && claims.TryGetProperty("exp", out var exp) && exp.TryGetDouble(out var seconds)
                ? DateTimeOffset.FromUnixTimeSeconds((long)seconds)
                : null;
        }
        catch (Exception e) when (e is FormatException or JsonException or ArgumentOutOfRangeException or InvalidOperationException)
        {
            return null;
        }
    }

    private static TimeSpan Shorter(TimeSpan a, TimeSpan b) => a < b ? a : b;
}
