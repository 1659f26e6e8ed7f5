using Notify.Contracts;

namespace Notify.Engine;

/// <summary>An expected refusal: a code of <see cref="ErrorCodes"/> and what to do about it.</summary>
public sealed record Refusal(string Code, string Detail)
{
    /// <summary>A request that breaks the contract; <paramref name="detail"/> says where and how.</summary>
    public static Refusal Invalid(string detail) => new(ErrorCodes.InvalidRequest, detail);
}
