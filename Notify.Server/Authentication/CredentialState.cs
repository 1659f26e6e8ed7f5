using Notify.Contracts;
using Notify.Engine;
using Notify.Engine.Access;
using Notify.Server.Authentication.Tokens;

namespace Notify.Server.Authentication;

/// <summary>Whether credentials that were good are still: what this node knows of revocations.</summary>
internal sealed class CredentialState
{
    public static readonly Refusal Blind = new(
        ErrorCodes.StorageUnavailable, "This node has not read the log for long and may have missed a revocation: it takes no new credentials. Try again in a moment.");

    /// <summary>Whether this node has not read the log for so long that it may have missed a revocation.</summary>
    public bool IsBlind => false;

    /// <summary>Null while the caller's credential stands.</summary>
    public Rejection? Check(Caller caller) => null;
}
