using Notify.Engine;
using Notify.Engine.Publishing;

namespace Notify.Server.Api;

/// <summary>The header <c>Idempotency-Key</c>.</summary>
internal static class IdempotencyHeader
{
    internal const string Name = IdempotencyKeys.HeaderName;

    private static readonly Refusal Twice = Refusal.Invalid($"The header '{Name}' is there twice.");

    /// <summary>The header's key, or null; its own rules are checked.</summary>
    public static Refusal? Read(HttpRequest request, out string? key)
    {
        key = null;
        if (!request.Headers.TryGetValue(Name, out var values) || values.Count == 0) return null;
        if (values.Count > 1) return Twice;
        key = values[0] ?? "";
        return IdempotencyKeys.Problem(key, ephemeral: false);
    }
}
