using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Client.MessagePack;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Contracts.Wire;
using Notify.Engine.Access;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Client;

/// <summary>
/// A hub that does what a test says, for what the real service does rarely or never: another epoch, a version twice, a
/// close without reconnect. What it sends goes out before its answer to Resume, which a client must be able to take.
/// </summary>
internal sealed class StubService : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StubService(Func<ResumeRequest, StubAnswer> onResume, int port)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Services.AddSingleton(this);
        builder.Services.AddSignalR()
            .AddJsonProtocol(o => o.PayloadSerializerOptions = NotifyJson.Options)
            .AddMessagePackProtocol(o => o.SerializerOptions = StubMessagePack.Options);
        _app = builder.Build();
        _app.MapHub<StubHub>(HubMethods.Path);
        OnResume = onResume;
    }

    public Uri Url { get; private set; } = null!;

    /// <summary>Every Resume that came.</summary>
    public Observed<ResumeRequest> Resumes { get; } = new();

    /// <summary>Every Subscribe that came.</summary>
    public Observed<SubscribeRequest> Subscribes { get; } = new();

    /// <summary>Every Ack that came.</summary>
    public Observed<long> Acks { get; } = new();

    /// <summary>Every token of a Reauthenticate.</summary>
    public Observed<string> Tokens { get; } = new();

    public Func<ResumeRequest, StubAnswer> OnResume { get; set; }

    /// <summary>The last connection that resumed. Its Abort is the close that stops stock clients for good.</summary>
    public HubCallerContext Connection { get; set; } = null!;

    public static async Task<StubService> StartAsync(Func<ResumeRequest, StubAnswer> onResume, int port = 0)
    {
        var service = new StubService(onResume, port);
        await service._app.StartAsync();
        var addresses = service._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses;
        service.Url = new Uri(addresses.Single());
        return service;
    }

    public static Notification Make(long version, string topic = "t") => new()
    {
        Version = version,
        Id = Guid.CreateVersion7(),
        Topic = topic,
        TopicSeq = version,
        Title = $"{version}",
        PublishedAt = new DateTimeOffset(2026, 11, 23, 5, 0, 0, 123, TimeSpan.Zero),
    };

    /// <summary>All versions of a small log above the client's, then CaughtUp: what the real service would send.</summary>
    public static StubAnswer Log(ResumeRequest request, int head)
    {
        var since = request.Since ?? head;
        var missed = Enumerable.Range((int)since + 1, Math.Max(0, head - (int)since)).Select(v => (object)Make(v));
        return new StubAnswer(new ResumeResult(head, "e1", since, request.Topics ?? []), [.. missed, new CaughtUp(head, "e1")]);
    }

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();
}

/// <param name="Result">The answer to Resume.</param>
/// <param name="Then">Notifications, Gap, CaughtUp, Progress to send.</param>
internal sealed record StubAnswer(ResumeResult Result, IReadOnlyList<object> Then);

internal sealed class StubHub(StubService service) : Hub
{
    public async Task<ResumeResult> Resume(ResumeRequest request)
    {
        service.Resumes.Add(request);
        service.Connection = Context;
        var answer = service.OnResume(request);
        foreach (var item in answer.Then) await Clients.Caller.SendAsync(item.GetType().Name, item);
        return answer.Result;
    }

    public void Ack(AckRequest request) => service.Acks.Add(request.Version!.Value);

    public ReauthenticateResult Reauthenticate(ReauthenticateRequest request)
    {
        service.Tokens.Add(request.Token!);
        return new ReauthenticateResult { ExpiresAt = TimeProvider.System.GetUtcNow().AddHours(1), Topics = service.Resumes.Items[^1].Topics ?? [] };
    }

    public SubscribeResult Subscribe(SubscribeRequest request)
    {
        service.Subscribes.Add(request);
        if (request.Topics!.Contains("secret")) throw new HubException("forbidden: Ask for a grant.");
        return new SubscribeResult(0, request.Topics!);
    }
}
