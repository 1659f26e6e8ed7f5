using Notify.Contracts;
using Notify.Server.Http;
using Notify.Storage.Inbox;

namespace Notify.Server.Api;

/// <summary>The calls about inboxes.</summary>
internal static class InboxCalls
{
    private static readonly int[] Problems = [StatusCodes.Status403Forbidden, StatusCodes.Status404NotFound, StatusCodes.Status503ServiceUnavailable];

    private static readonly CallParameter User = new("path", "user", typeof(string), "A user id; 'me' is the caller's own.");

    public static void MapInbox(this IEndpointRouteBuilder api)
    {
        var inbox = api.ServiceProvider.GetRequiredService<InboxEndpoints>();
        api.MapCalls("/users/{user}/inbox", new ApiCall(ApiCall.Get, inbox.ListAsync) { Query = InboxEndpoints.ListParameters, Description = List });
        api.MapCalls("/users/{user}/inbox/summary",
            new ApiCall(ApiCall.Get, inbox.SummaryAsync) { Query = InboxEndpoints.SummaryParameters, Description = Summary });
        api.MapCalls("/users/{user}/explain",
            new ApiCall(ApiCall.Get, api.ServiceProvider.GetRequiredService<ExplainEndpoint>().GetAsync)
            {
                Query = ExplainEndpoint.Parameters,
                Description = Explain
            });
        Map(InboxOperation.Read, "read", "Marks items read, and seen");
        Map(InboxOperation.Unread, "unread", "Takes read back; archived items stay as they are");
        Map(InboxOperation.Seen, "seen", "Marks items seen");
        Map(InboxOperation.Archive, "archive", "Archives items: they are read then, and neither counted nor listed with the others");
        Map(InboxOperation.Unarchive, "unarchive", "Takes items out of the archive; they stay read");

        void Map(InboxOperation operation, string path, string summary) =>
            api.MapCalls($"/users/{{user}}/inbox/{path}", new ApiCall(ApiCall.Post, inbox.Mark(operation)) { Description = Mark(operation, path, summary) });
    }

    private static CallDescription List => new("listInbox", "Lists what came to a user, newest first")
    {
        Details = "By the own topic, by groups, and by durable subscriptions that the caller's credential covers; also what came before a group was left or " +
            "a subscription ended.",
        Parameters =
        [
            User,
            new("query", "state", typeof(string), "all (the default: what is not archived), unread or archived.") { Values = ["all", "unread", "archived"] },
            new("query", QueryFilters.Parameter, typeof(string), "Only topics that it matches: a topic filter, '$user/me' or '$group/{name}'."),
            new("query", "before", typeof(long), "The next of the page before."),
            new("query", "limit", typeof(int), "1 to 1000; 100 by default. A page of large items has fewer."),
        ],
        Answers = [new(StatusCodes.Status200OK, "A page; without next it is the last.", typeof(InboxPageDocument))],
        Problems = Problems,
    };

    private static CallDescription Summary => new("inboxSummary", "Counts what is unread and unseen")
    {
        Details = "rev is the log version up to which was counted: of several answers the one with the highest rev is the newest.",
        Parameters =
            [User, new("query", QueryFilters.Parameter, typeof(string[]), "Counted by itself; at most 10: topic filters, '$user/me' and '$group/{name}'.")],
        Answers = [new(StatusCodes.Status200OK, "The counts; with atLeast they are lower bounds.", typeof(InboxSummaryDocument))],
        Problems = Problems,
    };

    private static CallDescription Explain => new("explain", "Says why a user did or did not get a notification")
    {
        Details = "For administrators. Recomputed from what is stored, by what decides in delivery. interests: those of the user whose filter matches the " +
            "topic, and whether their interval holds the version. What connections named, and their tokens' groups, is known of living connections only: " +
            "without one, named is unknown.",
        Parameters =
        [
            User,
            new("query", "version", typeof(long), "The notification's version.") { Required = true },
            new("query", "device", typeof(string), "Only this device of the user, and its connections."),
        ],
        Answers =
        [
            new(
                StatusCodes.Status200OK,
                "verdict: delivered (to the user, on every device), connections (to some that are there now, by what they named), missed, unknown (missed, " +
                    "as far as is known), expired, or gone (no longer kept).",
                typeof(DeliveryExplanationDocument)),
        ],
        Problems = Problems,
    };

    private static CallDescription Mark(InboxOperation operation, string path, string summary) => new($"{path}Inbox", summary)
    {
        Details = operation is InboxOperation.Unread or InboxOperation.Unarchive
            ? "versions: 1 to 1000 of them; those that are not the user's items are passed over. filter: only topics that it matches."
            : "Either versions (1 to 1000; those that are not the user's items are passed over) or upTo: everything up to that version. filter: only topics " +
                "that it matches.",
        Parameters = [User],
        Body = new CallBody(operation is InboxOperation.Unread or InboxOperation.Unarchive ? typeof(InboxVersionsDocument) : typeof(InboxMarkDocument),
            MediaTypes.Json),
        Answers = [new(StatusCodes.Status200OK, "The counts with the mark in them.", typeof(InboxSummaryDocument))],
        Problems = Problems,
    };
}

// What the OpenAPI document shows; the calls read and write their members themselves.

internal sealed record InboxPageDocument(IReadOnlyList<InboxItemDocument> Items, long? Next, InboxSummaryDocument Summary);

internal sealed record InboxItemDocument(Notification Notification, DateTimeOffset? SeenAt, DateTimeOffset? ReadAt, DateTimeOffset? ArchivedAt);

internal sealed record InboxSummaryDocument(long Unread, long Unseen, long Head, Guid Epoch, long Rev, bool? AtLeast,
    IReadOnlyList<InboxFilterDocument>? Filters);

internal sealed record InboxFilterDocument(string Filter, long Unread, long Unseen);

internal sealed record InboxMarkDocument(IReadOnlyList<long>? Versions, long? UpTo, string? Filter);

internal sealed record InboxVersionsDocument(IReadOnlyList<long> Versions, string? Filter);

internal sealed record DeliveryExplanationDocument(
    long Version,
    string Verdict,
    Guid? Id,
    string? Topic,
    DateTimeOffset? PublishedAt,
    DateTimeOffset? ExpiresAt,
    string? Kept,
    IReadOnlyList<ExplainedInterestDocument> Interests,
    DateTimeOffset? SeenAt,
    DateTimeOffset? ReadAt,
    DateTimeOffset? ArchivedAt,
    IReadOnlyList<ExplainedDeviceDocument> Devices,
    IReadOnlyList<ExplainedConnectionDocument> Connections,
    string? Named,
    bool? Partial,
    Guid Epoch,
    long Head,
    long Oldest);

internal sealed record ExplainedInterestDocument(string Kind, string Filter, long? Since, long? Until, string Outcome);

internal sealed record ExplainedDeviceDocument(string Device, long Version, bool Acknowledged, DateTimeOffset SeenAt);

internal sealed record ExplainedConnectionDocument(string? Device, DateTimeOffset ConnectedAt, long Cursor, IReadOnlyList<ExplainedInterestDocument> Interests);
