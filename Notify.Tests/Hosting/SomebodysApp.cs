using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Notify.Server;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Hosting;

/// <summary>An app in this process that hosts the service, made to differ from the defaults where a test says so.</summary>
internal sealed class SomebodysApp : IAsyncDisposable
{
    private readonly TempFolder _folder;
    private readonly WebApplication _app;

    private SomebodysApp(TempFolder folder, WebApplication app)
    {
        (_folder, _app) = (folder, app);
        Url = new Uri(app.Urls.Single());
        Http = new HttpClient(new HttpClientHandler { AllowAutoRedirect = false, UseCookies = false }) { BaseAddress = Url };
    }

    public Uri Url { get; }

    public HttpClient Http { get; }

    public IServiceProvider Services => _app.Services;

    /// <param name="add">The app's services, before the service is added.</param>
    /// <param name="map">Its pipeline and endpoints, with the service's.</param>
    /// <param name="settings">Pairs of key and value, below the service's.</param>
    /// <returns>The app, once the service has opened its storage: an app starts without waiting for it.</returns>
    public static async Task<SomebodysApp> StartAsync(Action<WebApplicationBuilder> add, Action<WebApplication> map,
        params (string Key, string Value)[] settings)
    {
        var app = await StartAsync(add, map, _ => { }, settings);
        await Eventually.TrueAsync(() => app.Services.GetRequiredService<OpenedLog>().IsOpen, "the storage is open");
        return app;
    }

    /// <param name="replace">Replaces parts of the service.</param>
    public static async Task<SomebodysApp> StartAsync(Action<WebApplicationBuilder> add, Action<WebApplication> map, Action<IServiceCollection> replace,
        params (string Key, string Value)[] settings)
    {
        var folder = new TempFolder();
        WebApplication? app = null;
        try
        {
            var builder = WebApplication.CreateBuilder(new WebApplicationOptions { EnvironmentName = "Development" });
            builder.Configuration.Sources.Clear();
            builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
            {
                ["Urls"] = "http://127.0.0.1:0",
                ["Notify:Storage:SqlitePath"] = folder.File("notify.db"),
                ["Notify:Auth:OpenInDevelopment"] = "true",
            });
            builder.Configuration.AddInMemoryCollection(settings.Select(setting => KeyValuePair.Create(setting.Key, (string?)setting.Value)));
            builder.Logging.ClearProviders();
            add(builder);
            builder.AddNotify();
            replace(builder.Services);
            app = builder.Build();
            map(app);
            await app.StartAsync(TestContext.Current.CancellationToken);
            return new SomebodysApp(folder, app);
        }
        catch
        {
            if (app is not null) await app.DisposeAsync();
            folder.Dispose();
            throw;
        }
    }

    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string path, string? text = null, params (string Name, string Value)[] headers)
    {
        using var request = new HttpRequestMessage(method, new Uri(Url, path));
        if (text is not null) request.Content = new StringContent(text);
        foreach (var (name, value) in headers) request.Headers.TryAddWithoutValidation(name, value);
        return await Http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    public Task<string> GetAsync(string path) => Http.GetStringAsync(new Uri(Url, path), TestContext.Current.CancellationToken);

    public async Task<System.Net.HttpStatusCode> StatusAsync(string path)
    {
        using var answer = await SendAsync(HttpMethod.Get, path);
        return answer.StatusCode;
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        var stopping = Task.Run(() => _app.StopAsync(CancellationToken.None));
        if (Services.GetRequiredService<TimeProvider>() is FakeTimeProvider time)
        {
            await Eventually.TrueAsync(
                () =>
                {
                    time.Advance(TimeSpan.FromMilliseconds(100));
                    return stopping.IsCompleted;
                },
                "the app has stopped");
        }

        await stopping;
        await _app.DisposeAsync();
        _folder.Dispose();
    }
}
