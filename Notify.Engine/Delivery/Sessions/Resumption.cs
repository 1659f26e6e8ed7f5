using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>What a client says when it comes, and where its session then begins: for the hub and the event stream alike.</summary>
internal sealed class Resumption(TailPosition tail, FilterReader filterReader)
{
    /// <summary>The largest integer that JavaScript holds exactly.</summary>
    private const long MaxVersion = (1L << 53) - 1;

    private const int MaxEpochLength = 64;

    /// <summary>Prepares the session; it sends nothing before it is started.</summary>
    /// <param name="session">A new connection's.</param>
    /// <param name="request">What the client said.</param>
    /// <param name="user">Whose own topic comes unasked; null for nobody's.</param>
    /// <param name="cancellationToken">The connection's.</param>
    public async Task<(ResumeResult? Result, Refusal? Refusal)> ResumeAsync(
        DeliverySession session, ResumeRequest request, string? user, CancellationToken cancellationToken)
    {
        if (request.Since is < 0 or > MaxVersion) return Refuse("'since' is a version: 0 or the number of the last notification you have.");
        if (request.Epoch is { Length: > MaxEpochLength or 0 }) return Refuse("'epoch' is what Resume, CaughtUp, Progress or Gap gave you; leave it out when you have none.");
        if (filterReader.Read(request.Topics, out var filters) is { } problem) return (null, problem);
        if (tail.Life is not { } life) throw new StorageUnavailableException("The log has not been read yet.");

        var end = Math.Max(life.Ring.End, life.Head);
        var since = request.Since ?? end;

        // A client that comes from a node that was further is no stranger: only the log itself can tell.
        if (since > end) end = Math.Max(end, (await tail.RefreshAsync(cancellationToken)).Head);
        var isForeign = since > end || (request.Epoch is { } epoch && !string.Equals(epoch, life.Epoch, StringComparison.OrdinalIgnoreCase));

        var own = user is null ? null : TopicFilter.Exact(TopicName.OfUser(user));
        return session.TryResume(life, since, filters, own, [], null, isForeign)
            ? (new ResumeResult(end, life.Epoch, since, session.Topics), null)
            : Refuse("Resume is the first call on a connection, once.");
    }

    private static (ResumeResult?, Refusal?) Refuse(string detail) => (null, new Refusal(ErrorCodes.InvalidRequest, detail));
}
