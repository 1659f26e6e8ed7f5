using System;
using System.Collections.Generic;
using System.Net.Http;
using System.Threading;
using System.Threading.Tasks;
using Notify.Client;

namespace NetFramework
{
    internal static class Program
    {
        private static async Task Main()
        {
            var url = new Uri("http://localhost:5080");
            using var http = new HttpClient { BaseAddress = url };
            await using var client = new NotifyClient(new NotifyClientOptions
            {
                Addresses = new List<Uri> { url },
                Topics = new List<string> { "orders/#" },
                Inbox = true,
                AccessTokenProvider = () => Task.FromResult<string?>(Environment.GetEnvironmentVariable("NOTIFY_TOKEN")),
                CursorStore = new FileCursorStore("desktop.cursor.json"),
            });
            using var presenter = new InboxPresenter(client, new NotifyPublisher(http), Console.WriteLine);
            await presenter.RunAsync(CancellationToken.None);
        }
    }
}
