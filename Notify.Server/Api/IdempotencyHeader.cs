using Notify.Engine;
using Notify.Engine.Publishing;

namespace Notify.Server.Api;

/// <summary>The header <c>Idempotency-Key</c>.</summary>
internal static class IdempotencyHeader
{
    internal const string Name = "Idempotency-Key";

    private static readonly Refusal Twice = Refusal.Invalid($"The header '{Name}' is there twice.");
    private static readonly Refusal Different = Refusal.Invalid($"The header '{Name}' and the member 'idempotencyKey' differ; give one of them.");

    /// <summary>The header's key, or null; its own rules are checked.</summary>
    public static Refusal? Read(HttpRequest request, out string? key)
    {
        key = null;
        if (!request.Headers.TryGetValue(Name, out var values) || values.Count == 0) return null;
        if (values.Count > 1) return Twice;
        key = values[0] ?? "";
        return IdempotencyKeys.Problem(key, ephemeral: false);
    }

    /// <summary>The key of a single publish: the header's or the member's.</summary>
    public static Refusal? Combine(string? header, PublishCommand command, out string? key)
    {
        key = header ?? command.IdempotencyKey;
        if (header is null) return null;
        if (command.IdempotencyKey is { } own && own != header) return Different;
        return IdempotencyKeys.Problem(header, command.Ephemeral);
    }
}
