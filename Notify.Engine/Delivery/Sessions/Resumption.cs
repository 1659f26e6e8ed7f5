using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Engine.Delivery.Sessions;

/// <summary>What a client says when it comes, and where its session then begins: for the hub and the event stream alike.</summary>
internal sealed class Resumption(TailPosition tail, IUserReadings users, FilterReader filterReader)
{
    private const int MaxEpochLength = 64;

    /// <summary>Prepares the session; it sends nothing before it is started.</summary>
    /// <param name="session">A new connection's.</param>
    /// <param name="request">What the client said.</param>
    /// <param name="access">What its credential allows.</param>
    /// <param name="cancellationToken">The connection's.</param>
    public async Task<(ResumeResult? Result, Refusal? Refusal)> ResumeAsync(
        DeliverySession session, ResumeRequest request, SessionAccess access, CancellationToken cancellationToken)
    {
        if (request.Since is < 0 or > LogLimits.MaxVersion) return Refuse("'since' is a version: 0 or the number of the last notification you have.");
        if (request.Epoch is { Length: > MaxEpochLength or 0 })
            return Refuse("'epoch' is what Resume, CaughtUp, Progress or Gap gave you; leave it out when you have none.");
        if (filterReader.Read(request.Topics, out var named) is { } problem) return (null, problem);
        if (access.MayFollow(named) is { } forbidden) return (null, forbidden);
        if (session.State != SessionState.Idle) return ResumedBefore();
        if (session.User is null)
        {
            var view = tail.View ?? throw new StorageUnavailableException("The log has not been read yet.");
            return await ResumeAsync(session, request, view, named, access, start: null, install => install(), cancellationToken);
        }

        while (true)
        {
            var start = await users.ReadAsync(session, cancellationToken);
            var isInstalled = false;
            var answer = await ResumeAsync(
                session, request, start.View, named, access, start, install => isInstalled = users.TryInstall(session, start, install), cancellationToken);
            if (isInstalled) return answer;
        }
    }

    private async Task<(ResumeResult? Result, Refusal? Refusal)> ResumeAsync(
        DeliverySession session,
        ResumeRequest request,
        LogView view,
        IReadOnlyList<TopicFilter> named,
        SessionAccess access,
        UserStart? start,
        Func<Func<bool>, bool> install,
        CancellationToken cancellationToken)
    {
        var end = Math.Max(Math.Max(view.Ring.End, view.Head), start?.Reading.Head ?? 0);
        var since = request.Since ?? start?.Acknowledged ?? end;

        // A client that comes from a node that was further is no stranger: only the log itself can tell.
        if (since > end) end = Math.Max(end, (await tail.RefreshAsync(cancellationToken)).Head);
        var isForeign = since > end || (request.Epoch is { } epoch && !string.Equals(epoch, view.Epoch, StringComparison.OrdinalIgnoreCase));

        // What the device has acknowledged speaks for what comes to the user: filters named without 'since' begin now.
        var beginning = new SessionBeginning(view, since, isForeign)
        {
            Named = named,
            NamedFrom = request.Since ?? end,
            Own = session.User is { } user ? TopicFilter.Exact(TopicName.OfUser(user)) : null,
            Access = access,
            Reading = start?.Reading,
        };
        var isResumed = false;
        if (!install(() => isResumed = session.TryResume(beginning))) return default;
        if (!isResumed) return ResumedBefore();
        return (new ResumeResult(end, view.Epoch, since, session.Topics)
        {
            User = session.User,
            Groups = session.User is null ? null : session.Groups,
            TokenGroups = session.User is null ? null : [.. access.TokenGroups.Select(group => group.Text[TopicName.OfGroup("").Length..])],
        }, null);
    }

    private static (ResumeResult?, Refusal?) ResumedBefore() => Refuse("Resume is the first call on a connection, once.");

    private static (ResumeResult?, Refusal?) Refuse(string detail) => (null, new Refusal(ErrorCodes.InvalidRequest, detail));
}
