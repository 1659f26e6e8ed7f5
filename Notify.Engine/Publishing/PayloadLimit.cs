using Notify.Contracts;
using Notify.Engine.Configuration;

namespace Notify.Engine.Publishing;

/// <summary>How many bytes of JSON one notification may have, as received.</summary>
internal static class PayloadLimit
{
    public static Refusal? Check(int bytes, LimitSettings limits) => bytes > limits.PayloadBytes ? TooLarge(limits.PayloadBytes) : null;

    public static Refusal TooLarge(long limit) => new(ErrorCodes.PayloadTooLarge, $"At most {limit} bytes are taken; send a link to what is larger.");
}
