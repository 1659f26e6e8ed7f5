using Microsoft.Extensions.Options;
using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Engine.Configuration;
using Notify.Engine.Tail;
using Notify.Server.Authentication.Tokens;

namespace Notify.Server.Authentication;

/// <summary>Whether credentials that were good are still, as far as this node has read the log.</summary>
internal sealed class CredentialState(Revocations revocations, TailPosition tail, IOptions<NotifyOptions> options, TimeProvider time)
{
    private static readonly TimeSpan LoadedWithin = TimeSpan.FromSeconds(2);

    private static readonly Refusal Blind = new(
        ErrorCodes.StorageUnavailable,
            "This node has not read the log for long and may have missed a revocation: it takes no new credentials. Try again in a moment.");

    private static readonly Rejection Revoked = new(Rejection.Revoked, "The credential was revoked.", Counts: false);

    /// <summary>Null when this node may accept a credential: it has read the revocations, and has not been without the log for long.</summary>
    public async ValueTask<Refusal?> MayAcceptAsync()
    {
        if (!revocations.Loaded.IsCompleted)
            await Task.WhenAny(revocations.Loaded, Task.Delay(LoadedWithin, time)); // a request of the first moment waits for the first read

        return revocations.Loaded.IsCompleted && tail.UnreadableFor <= options.Value.Storage.UnreadableLimit ? null : Blind;
    }

    /// <summary>Null while the caller's credential stands.</summary>
    public Rejection? Check(Caller caller) => revocations.HasRevoked(caller) ? Revoked with { Shown = caller.Credential.KeyId ?? "none" } : null;
}
