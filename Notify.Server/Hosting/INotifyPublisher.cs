using Notify.Contracts.Publishing;

namespace Notify.Server.Hosting;

/// <summary>Publishes from the code of the app that hosts the service, without a call over HTTP. A singleton of the app's services.</summary>
public interface INotifyPublisher
{
    /// <summary>Publishes one notification, with the rules of <c>POST /api/v1/notifications</c>.</summary>
    /// <returns>Its place, once it is stored; for an ephemeral one, once it was passed to delivery.</returns>
    /// <exception cref="NotifyRefusedException">It was refused. With <c>storage_unavailable</c> it may be stored: repeat it under its
    /// idempotency key.</exception>
    Task<PublishResult> PublishAsync(PublishRequest request, CancellationToken cancellationToken = default);
}

/// <summary>A publish that was refused.</summary>
/// <param name="code">One of <c>Notify.Contracts.ErrorCodes</c>.</param>
/// <param name="detail">What to do.</param>
public sealed class NotifyRefusedException(string code, string detail) : Exception($"{code}: {detail}")
{
    /// <summary>One of <c>Notify.Contracts.ErrorCodes</c>.</summary>
    public string Code { get; } = code;
}
