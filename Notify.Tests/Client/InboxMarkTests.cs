using System.Net;
using System.Text;
using Notify.Client;
using Notify.Client.Api;
using Notify.Contracts;
using Notify.Contracts.People;

namespace Notify.Tests.Client;

public class InboxMarkTests
{
    [Fact]
    public async Task Marks_are_sent_in_the_order_of_the_calls_also_when_one_is_tried_again_or_refused()
    {
        using var service = new Answering(["storage_unavailable", null, "forbidden", null]);
        using var http = new HttpClient(service) { BaseAddress = new Uri("http://a.example") };
        using var marks = new SemaphoreSlim(1, 1);
        var inbox = new NotifyInbox(new NotifyApi(http).Me, () => true, marks);
        var item = new InboxMark { Versions = [7] };

        var read = inbox.ReadAsync(item, TestContext.Current.CancellationToken);
        var archived = inbox.ArchiveAsync(item, TestContext.Current.CancellationToken);
        var unread = inbox.UnreadAsync(item, TestContext.Current.CancellationToken);

        await read;
        Assert.Equal("forbidden", (await Assert.ThrowsAsync<NotifyException>(() => archived)).Code);
        await unread;
        Assert.Equal(["read", "read", "archive", "unread"], service.Marks);
    }

    /// <summary>A service that answers each mark with the next of these codes, or well.</summary>
    private sealed class Answering(string?[] codes) : HttpMessageHandler
    {
        private readonly List<string> _marks = [];

        public IReadOnlyList<string> Marks => _marks;

        protected override Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken cancellationToken)
        {
            int number;
            lock (_marks)
            {
                number = _marks.Count;
                _marks.Add(request.RequestUri!.Segments[^1]);
            }

            return Task.FromResult(codes[number] is { } code
                ? Json(HttpStatusCode.ServiceUnavailable, $$"""{"code":"{{code}}","detail":"no"}""")
                : Json(HttpStatusCode.OK, $$"""{"unread":1,"unseen":1,"head":9,"epoch":"e","rev":{{number}}}"""));
        }

        private static HttpResponseMessage Json(HttpStatusCode status, string body) =>
            new(status) { Content = new StringContent(body, Encoding.UTF8, "application/json") };
    }
}
