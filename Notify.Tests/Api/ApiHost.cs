using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Replay;
using Notify.Engine.Publishing;
using Notify.Server;
using Notify.Server.Hosting;
using Notify.Storage.Log;
using Notify.Tests.Publishing;

namespace Notify.Tests.Api;

/// <summary>The HTTP calls on a port of their own, over a log that is a list.</summary>
internal sealed class ApiHost : IAsyncDisposable
{
    private readonly WebApplication _app;

    private ApiHost(WebApplication app, ListLog log, HandedOver handedOver)
    {
        (_app, Log, HandedOver) = (app, log, handedOver);
        var address = app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        Client = new HttpClient(new SocketsHttpHandler { RequestHeaderEncodingSelector = (_, _) => Encoding.UTF8 }) { BaseAddress = new Uri(address) };
    }

    public IServiceProvider Services => _app.Services;
    public HttpClient Client { get; }
    public ListLog Log { get; }
    public HandedOver HandedOver { get; }

    /// <param name="configure">Adds services, after those of the host.</param>
    public static Task<ApiHost> StartAsync(Action<IServiceCollection> configure) => StartAsync("Development", null, configure, []);

    /// <param name="environment">Development, or one in which nobody has a name.</param>
    /// <param name="open">How the log is opened instead of at once.</param>
    /// <param name="settings">Pairs of key and value.</param>
    public static Task<ApiHost> StartAsync(string environment = "Development", Func<ListLog, Task<INotificationLog>>? open = null,
        params (string Key, string Value)[] settings) =>
        StartAsync(environment, open, _ => { }, settings);

    private static async Task<ApiHost> StartAsync(
        string environment, Func<ListLog, Task<INotificationLog>>? open, Action<IServiceCollection> configure, (string Key, string Value)[] settings)
    {
        var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = environment });
        builder.Configuration.Sources.Clear();
        builder.Configuration.AddInMemoryCollection(settings.Append(("Urls", "http://127.0.0.1:0"))
            .Select(setting => KeyValuePair.Create(setting.Item1, (string?)setting.Item2)));
        builder.Logging.ClearProviders();

        var log = new ListLog();
        var handedOver = new HandedOver();
        builder.AddProcess();
        builder.Services.AddNotify(builder.Configuration, builder.Environment);
        builder.Services.AddSingleton<ICommitObserver>(handedOver);
        builder.Services.AddSingleton<IReplay>(new ListReplay(log));
        builder.Services.AddSingleton<IHistory>(new ListReplay(log));
        builder.Services.AddSingleton<LogOpener>(_ => open?.Invoke(log) ?? Task.FromResult<INotificationLog>(log));

        configure(builder.Services);
        var app = builder.Build();
        app.MapNotify();
        app.MapNotifyProcess();
        await app.StartAsync(TestContext.Current.CancellationToken);
        return new ApiHost(app, log, handedOver);
    }

    public async Task<Answer> SendAsync(HttpMethod method, string target, HttpContent? content = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(Client.BaseAddress!, target)) { Content = content };
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        using var response = await Client.SendAsync(request, TestContext.Current.CancellationToken);
        return new Answer((int)response.StatusCode, response.Headers, response.Content.Headers,
            await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    public Task<Answer> PostAsync(string target, string json, params (string Name, string Value)[] headers) =>
        SendAsync(HttpMethod.Post, target, new StringContent(json, Encoding.UTF8, "application/json"), headers);

    public Task<Answer> GetAsync(string target, params (string Name, string Value)[] headers) => SendAsync(HttpMethod.Get, target, null, headers);

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        await _app.DisposeAsync();
    }

    internal sealed record Answer(int Status, HttpResponseHeaders Headers, HttpContentHeaders ContentHeaders, string Text)
    {
        public JsonElement Json { get; } = Text.StartsWith('{') ? JsonElement.Parse(Text) : default;

        public string? Header(string name) =>
            Headers.TryGetValues(name, out var values) || ContentHeaders.TryGetValues(name, out values) ? string.Join(", ", values) : null;

        /// <summary>A problem document of this status and code, with something to do in it.</summary>
        public void IsProblem(int status, string code)
        {
            Assert.Equal((status, "application/problem+json"), (Status, ContentHeaders.ContentType?.MediaType));
            Assert.Equal((status, code), (Json.GetProperty("status").GetInt32(), Json.GetProperty("code").GetString()));
            Assert.NotEmpty(Json.GetProperty("detail").GetString()!);
            Assert.NotEmpty(Json.GetProperty("title").GetString()!);
        }
    }

    private sealed class ListReplay(ListLog log) : IReplay, IHistory
    {
        public async Task<ReplayPage> ReadAsync(IReadOnlyList<TopicFilter> filters, long after, int maxEntries, CancellationToken cancellationToken)
        {
            var head = await log.ReadHeadAsync(cancellationToken);
            if (after > head.Head) return new ReplayPage([], head.Head, head, "epoch");
            var entries = log.Entries.Where(entry => entry.Version > after && filters.Any(filter => filter.Matches(entry.Topic))).Take(maxEntries).ToArray();
            return new ReplayPage(entries, entries.Length == maxEntries ? entries[^1].Version : head.Head, head, null);
        }

        public async Task<HistoryPage> ReadAsync(IReadOnlyList<TopicFilter> filters, long? before, int maxEntries, CancellationToken cancellationToken)
        {
            var head = await log.ReadHeadAsync(cancellationToken);
            var entries = log.Entries.Reverse().Where(entry => entry.Version < (before ?? long.MaxValue) && filters.Any(filter => filter.Matches(entry.Topic)))
                .Take(maxEntries).ToArray();
            return new HistoryPage(entries, entries.Length == maxEntries && entries[^1].Version > 1 ? entries[^1].Version : null, head);
        }
    }
}
