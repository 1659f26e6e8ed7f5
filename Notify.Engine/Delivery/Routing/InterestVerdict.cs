namespace Notify.Engine.Delivery.Routing;

/// <summary>Why an interest whose filter matches a topic brings a version of it, or does not.</summary>
/// <param name="Kind">Where it comes from.</param>
/// <param name="Filter">What is followed.</param>
/// <param name="Since">It holds for versions above.</param>
/// <param name="Until">And up to; <see cref="Interest.Open"/> while it has no end.</param>
/// <param name="IsAsleep">A durable subscription that the credential does not cover.</param>
/// <param name="Brings">What delivery says of it.</param>
internal sealed record InterestVerdict(InterestKind Kind, string Filter, long Since, long Until, bool IsAsleep, bool Brings);
