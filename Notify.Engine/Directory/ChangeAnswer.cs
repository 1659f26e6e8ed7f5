using Notify.Contracts;
using Notify.Storage.Directory;

namespace Notify.Engine.Directory;

/// <summary>The answer to one change of the directory.</summary>
internal abstract record ChangeAnswer
{
    private ChangeAnswer()
    {
    }

    /// <summary>It holds, by this change or already before; or it has to be decided again, as its status says.</summary>
    /// <param name="Epoch">The epoch of the log it is in.</param>
    /// <param name="Head">A version at or above that of its entry: what comes above it is under the change.</param>
    /// <param name="Outcome">What was done.</param>
    internal sealed record Made(Guid Epoch, long Head, ChangeOutcome Outcome) : ChangeAnswer;

    /// <summary>Nothing of it was made, as far as this answer knows.</summary>
    internal sealed record Refused(Refusal Refusal) : ChangeAnswer;
}

/// <summary>Why a change is refused, each said in one place.</summary>
internal static class ChangeRefusals
{
    internal static readonly ChangeAnswer.Refused QueueFull =
        Storage("Too many changes are waiting to be stored. Nothing of this was made; try again in a second.");

    internal static readonly ChangeAnswer.Refused Stopping = Storage(
        "This node is stopping. Nothing of this was made; try again, on another node or after the restart.");

    internal static readonly ChangeAnswer.Refused NotSubmitted = Storage("The storage does not answer. Nothing of this was made; try again in a second.");

    internal static readonly ChangeAnswer.Refused Broken = Storage(
        "The storage rejects writes until an operator corrects it: the server's log says what. Nothing of this was made.");

    internal static readonly ChangeAnswer.Refused Unknown = Storage(
        "The storage did not answer in time: this change may or may not be made. Repeating it is safe.");

    internal static readonly ChangeAnswer.Refused OtherEpoch =
        Storage("The log was replaced meanwhile. Nothing of this was made; read the inbox again and repeat it.");

    /// <summary>Null: it was done, or is to be decided again.</summary>
    internal static ChangeAnswer.Refused? Of(ChangeOutcome outcome, DirectoryLimits limits) => outcome.Status switch
    {
        ChangeStatus.Done or ChangeStatus.Superseded or ChangeStatus.TooManyChanged => null, // after the last two the caller decides again
        ChangeStatus.UnknownGroup => new(new Refusal(ErrorCodes.NotFound, $"There is no group '{outcome.Subject}'.")),
        ChangeStatus.UnknownKey => new(new Refusal(ErrorCodes.NotFound, "There is no such API key.")),
        ChangeStatus.DynamicGroup => Invalid(
            $"The members of the group '{outcome.Subject}' are the users that satisfy its rule. " +
            "Change their attributes or the rule, or make the group static."),
        ChangeStatus.TooManyGroups => Invalid(
            $"The user '{outcome.Subject}' would be in more than {limits.GroupsPerUser} groups (Notify:Limits:GroupsPerUser). Remove the user from others " +
                "first."),
        ChangeStatus.TooManySubscriptions => Invalid(
            $"The user '{outcome.Subject}' would have more than {limits.SubscriptionsPerUser} durable subscriptions (Notify:Limits:SubscriptionsPerUser). " +
                "End others first, or use a wildcard."),
        ChangeStatus.Exists => Invalid("There is an API key with this id already."),
        ChangeStatus.OtherEpoch => OtherEpoch,
        ChangeStatus.TooManyMarkedFilters => Invalid("The inbox was marked by more than 1000 filters. Mark it once without a filter."),
        _ => throw new NotSupportedException(outcome.Status.ToString()),
    };

    private static ChangeAnswer.Refused Invalid(string detail) => new(new Refusal(ErrorCodes.InvalidRequest, detail));

    private static ChangeAnswer.Refused Storage(string detail) => new(new Refusal(ErrorCodes.StorageUnavailable, detail));
}
