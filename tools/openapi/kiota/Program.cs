// What a client of Kiota is used for: Use URL
using Microsoft.Kiota.Abstractions.Authentication;
using Microsoft.Kiota.Abstractions.Serialization;
using Microsoft.Kiota.Http.HttpClientLibrary;
using NotifyApi;
using NotifyApi.Api.V1.Topics.Item;
using NotifyApi.Models;

using var adapter = new HttpClientRequestAdapter(new AnonymousAuthenticationProvider()) { BaseUrl = args[0].TrimEnd('/') };
var api = new NotifyApiClient(adapter).Api.V1;

var published = await api.Notifications.PostAsync(new PublishRequest
{
    Topic = "kiota/1",
    Title = "Order 42",
    Data = new UntypedObject(new Dictionary<string, UntypedNode> { ["total"] = new UntypedDouble(31.5) }),
});
long? version = published!.Version;
Is(version > 0, "a version");

await api.Topics["kiota/2"].PostAsync("Backup done", request =>
{
    request.QueryParameters.Title = "Nightly";
    request.QueryParameters.PriorityAsPostPriorityQueryParameterType = PostPriorityQueryParameterType.High;
    request.QueryParameters.TtlSeconds = 600;
});

var page = (await api.Notifications.GetAsync(request => request.QueryParameters.Filter = ["kiota/#"]))!;
Is(page.Items is [{ Topic: "kiota/1", Body: null, Priority: Notification_priority.Normal }, { Topic: "kiota/2", Body: "Backup done", Priority: Notification_priority.High }],
    "both notifications, with the text as it was sent");
Is(page.Items![0].Data is UntypedObject data && Math.Abs(Convert.ToDouble(Number(data.GetValue()["total"])) - 31.5) < 0.001, "the data");
Is(page.Next == page.Head, "the end");

Is((await api.Groups["kiota"].PutAsync(new PutGroup()))!.Members == 0, "a group without members");
await api.Groups["kiota"].Members["carol"].PutAsync();
Is((await api.Groups["kiota"].Members.GetAsync())!.Items is ["carol"], "its member");

await api.Notifications.PostAsync(new PublishRequest { Group = "kiota", Body = "For its members" });
var summary = (await api.Users["carol"].Inbox.Summary.GetAsync(request => request.QueryParameters.Filter = ["$group/kiota"]))!;
Is(summary is { Unread: >= 1, AtLeast: null, Filters: [{ Filter: "$group/kiota", Unread: 1, Unseen: 1 }] }, "the counts");

var attributes = await api.Users["carol"].Attributes.PatchAsync(new Attributes { AdditionalData = new Dictionary<string, object> { ["shift"] = "night" } });
Is(attributes!.AdditionalData["shift"] is "night" or UntypedString, "the attributes");

try
{
    await api.Notifications[Guid.Empty].GetAsync();
    Is(false, "a problem");
}
catch (Problem problem)
{
    Is(problem is { Status: 404, Code: Problem_code.Not_found }, "the problem and its code");
}

Console.WriteLine("Kiota: used");

static object? Number(UntypedNode node) => node switch
{
    UntypedDouble d => d.GetValue(),
    UntypedDecimal d => d.GetValue(),
    UntypedFloat f => f.GetValue(),
    _ => null,
};

static void Is(bool holds, string what)
{
    if (!holds) throw new InvalidOperationException($"Not what was expected: {what}");
}
