namespace Notify.Engine.Publishing;

/// <summary>A notification that passed every rule and waits for its place.</summary>
/// <param name="Topic">The topic, or the reserved one of the user or group addressed.</param>
/// <param name="Content">
/// One UTF-8 JSON object with the members clients see, in the order type, title, body, data, priority, tags, link,
/// publisher; absent ones left out, no whitespace outside <c>data</c>.
/// </param>
/// <param name="TtlSeconds">Whole seconds until it expires; null: with retention.</param>
/// <param name="Ephemeral">For live connections; not stored.</param>
/// <param name="IdempotencyKey">The key as the request's own member had it.</param>
internal sealed record PublishCommand(
    string Topic,
    ReadOnlyMemory<byte> Content,
    long? TtlSeconds,
    bool Ephemeral,
    string? IdempotencyKey);
