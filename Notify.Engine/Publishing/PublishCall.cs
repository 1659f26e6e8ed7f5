using Notify.Engine.Access;
using Notify.Storage.Log;

namespace Notify.Engine.Publishing;

/// <summary>One call of a publisher, whichever edge it came through.</summary>
/// <param name="Name">
/// The call's stable name, such as <c>POST /notifications</c>. It is part of the request's hash, so that a key that was
/// used with one call is refused with another one.
/// </param>
/// <param name="Caller">The publisher.</param>
/// <param name="HeaderKey">The idempotency key beside the request, already checked; null where the edge has none.</param>
internal readonly record struct PublishCall(string Name, Caller Caller, string? HeaderKey = null);

/// <summary>A request that has been read: a command with its key, or the refusal.</summary>
internal readonly record struct PreparedPublish(PublishCommand? Command, IdempotencyKey? Key, Refusal? Refusal)
{
    public static PreparedPublish Refused(Refusal refusal) => new(null, null, refusal);
}
