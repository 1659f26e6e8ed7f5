using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Client;
using Notify.Contracts;
using Notify.Contracts.Hub;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Client;

/// <summary>What a user interface is told: states, and why.</summary>
public class ClientStateTests
{
    [Fact]
    public async Task A_wrong_port_is_told_after_the_first_attempt_by_the_state_and_by_the_log()
    {
        using var port = new ReservedPort();
        using var loggers = new Lines();
        await using var client = new NotifyClient(Options(new Uri($"http://127.0.0.1:{port}")) with { LoggerFactory = loggers });
        var states = new Observed<NotifyClientState>();
        client.StateChanged += states.Add;
        using var impatient = CancellationTokenSource.CreateLinkedTokenSource(Token);
        var starting = client.StartAsync(impatient.Token);
        var retrying = (NotifyClientState.Retrying)await states.FirstAsync(state => state is NotifyClientState.Retrying);
        Assert.Equal(1, retrying.Attempt);
        Assert.Equal(NotifyFailure.Transient, retrying.Why.Failure);
        Assert.Contains($"cannot be reached at http://127.0.0.1:{port}: Connection refused", retrying.Why.Message, StringComparison.Ordinal);
        Assert.Equal(["connecting", "retrying"], states.Items.Take(2).Select(state => state.Name));
        var line = await loggers.All.FirstAsync(line => line.StartsWith("Warning", StringComparison.Ordinal));
        Assert.Contains($"127.0.0.1:{port}", line, StringComparison.Ordinal);

        await impatient.CancelAsync();
        var told = await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
        Assert.Equal(impatient.Token, told.CancellationToken);
        Assert.IsType<NotifyClientState.Closed>(client.State);
    }

    [Fact]
    public async Task A_client_that_nothing_observes_says_so_on_standard_error()
    {
        var before = Console.Error;
        var lines = new StringWriter();
        Console.SetError(TextWriter.Synchronized(lines));
        try
        {
            using var port = new ReservedPort();
            await using var client = new NotifyClient(Options(new Uri($"http://127.0.0.1:{port}")));
            var starting = client.StartAsync(Token);
            await Eventually.TrueAsync(() => client.State is NotifyClientState.Retrying { Attempt: > 2 }, "the client did not come to it");
            await client.DisposeAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => starting);
        }
        finally
        {
            Console.SetError(before);
        }

        Assert.Single(lines.ToString().Split('\n'), line => line.StartsWith("Notify: The service cannot be reached", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(HttpStatusCode.OK, ErrorCodes.NotFound)]
    [InlineData(HttpStatusCode.NotFound, ErrorCodes.NotFound)]
    [InlineData(HttpStatusCode.Unauthorized, ErrorCodes.Unauthenticated)]
    [InlineData(HttpStatusCode.Forbidden, ErrorCodes.Forbidden)]
    public async Task An_address_without_the_service_and_a_service_that_lets_no_caller_in_fail_permanently(HttpStatusCode status, string code)
    {
        await using var other = await OtherAsync(status);
        await using var client = new NotifyClient(Options(Address(other)));
        var why = await Assert.ThrowsAsync<NotifyException>(() => client.StartAsync(Token));
        Assert.Equal((code, NotifyFailure.Permanent), (why.Code, why.Failure));
        Assert.Same(why, Assert.IsType<NotifyClientState.Failed>(client.State).Why);
    }

    [Fact]
    public async Task A_proxy_without_a_service_behind_it_is_waited_for()
    {
        await using var other = await OtherAsync(HttpStatusCode.BadGateway);
        await using var client = new NotifyClient(Options(Address(other)) with { LoggerFactory = new Lines() });
        var starting = client.StartAsync(Token);
        await Eventually.TrueAsync(() =>
            client.State is NotifyClientState.Retrying { Attempt: >= 3, Why.Status: HttpStatusCode.BadGateway }, "the client did not come to it");
        Assert.False(starting.IsCompleted);
    }

    [Fact]
    public async Task A_service_that_does_not_answer_is_timed_out()
    {
        await using var silent = new SilentServer();
        await using var client =
            new NotifyClient(Options(new Uri($"http://127.0.0.1:{silent.Port}")) with
            {
                Timeout = TimeSpan.FromMilliseconds(200),
                LoggerFactory = new Lines()
            });
        _ = client.StartAsync(Token);
        await Eventually.TrueAsync(() => client.State is NotifyClientState.Retrying { Why.Failure: NotifyFailure.TimedOut }, "the client did not come to it");
    }

    [Fact]
    public async Task After_a_failure_it_may_be_started_again_and_goes_on_where_it_was()
    {
        var refuse = false;
        await using var service = await StubService.StartAsync(request => refuse
            ? throw new Microsoft.AspNetCore.SignalR.HubException("forbidden: Not now.")
            : StubService.Log(request, head: (int)request.Since! + 1));
        await using var client = new NotifyClient(Options(service.Url) with { CursorStore = new MemoryCursorStore(new Cursor(0, "e1")) });
        var handled = new Observed<long>();
        using var registration = client.On("t", (notification, _) =>
        {
            handled.Add(notification.Version!.Value);
            return Task.CompletedTask;
        });
        await client.StartAsync(Token);
        await handled.CountAsync(1);
        refuse = true;
        service.Connection.Abort();
        await Eventually.TrueAsync(() => client.State is NotifyClientState.Failed { Why.Code: ErrorCodes.Forbidden }, "the client did not come to it");
        refuse = false;
        await client.StartAsync(Token);
        Assert.Equal([1, 2], await handled.CountAsync(2));
    }

    [Fact]
    public async Task The_next_address_is_tried_on_failure_and_the_first_again_when_it_is_well()
    {
        using var port = new ReservedPort();
        await using var second = await StubService.StartAsync(request => StubService.Log(request, head: 1));
        await using var client = new NotifyClient(Options(new Uri("http://unused")) with
        {
            Url = null,
            Addresses = [new Uri($"http://127.0.0.1:{port}"), second.Url],
            ReturnInterval = TimeSpan.FromMilliseconds(100),
            CursorStore = new MemoryCursorStore(new Cursor(0, "e1")),
            LoggerFactory = new Lines(),
        });
        await client.StartAsync(Token);
        Assert.Equal(second.Url, client.Address);
        await Eventually.TrueAsync(() => client.State is NotifyClientState.Live, "the client did not come to it");

        await using var first = await StubService.StartAsync(request => StubService.Log(request, head: 2), port.Number);
        // It takes its place along.
        Assert.Equal(1, (await first.Resumes.CountAsync(1))[0].Since);
        Assert.Equal(port.Number, client.Address.Port);
        await Eventually.TrueAsync(() => client.State is NotifyClientState.Live, "the client did not come to it");
    }

    [Fact]
    public async Task States_are_a_loop_too_which_ends_with_the_client()
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 0));
        var client = new NotifyClient(Options(service.Url));
        var names = new Observed<string>();
        var looping = Task.Run(async () =>
        {
            await foreach (var state in client.States.WithCancellation(Token)) names.Add(state.Name);
        });
        await names.FirstAsync(name => name == "idle");
        await client.StartAsync(Token);
        await names.FirstAsync(name => name == "live");
        await client.DisposeAsync();
        await looping;
        Assert.Equal(["idle", "connecting", "catchingUp", "live", "closed"], names.Items);
    }

    [Fact]
    public async Task A_token_is_renewed_on_the_living_connection_before_it_ends()
    {
        await using var service = await StubService.StartAsync(request => StubService.Log(request, head: 0));
        var given = new Observed<string>();
        await using var client = new NotifyClient(Options(service.Url) with
        {
            AccessTokenProvider = () =>
            {
                given.Add(TestToken.Of("alice", lifetime: TimeSpan.FromSeconds(given.Count == 0 ? 3 : 3600)) + given.Count);
                return Task.FromResult<string?>(given.Items[^1]);
            },
        });
        await client.StartAsync(Token);
        var renewed = (await service.Tokens.CountAsync(1))[0];
        Assert.Equal(given.Items[1], renewed);
        Assert.Single(service.Resumes.Items);
    }

    [Fact]
    public void Of_counts_that_come_in_any_order_the_newest_stay_and_another_epoch_or_token_drops_them()
    {
        var client = new NotifyClient(Options(new Uri("http://127.0.0.1:1")) with { Inbox = true });
        var inbox = client.Inbox;
        inbox.Received(new InboxChanged(5, 5, 9, "e1", 8) { AtLeast = true });
        inbox.Received(new InboxChanged(4, 4, 9, "e1", 9) { AtLeast = true });
        inbox.Received(new InboxChanged(9, 9, 9, "e1", 7)); // older
        Assert.Equal(4, inbox.Counts.Current!.Unread);
        inbox.Received(new InboxChanged(6, 6, 9, "e1", 9)); // exact at the same rev
        Assert.Equal(6, inbox.Counts.Current!.Unread);
        inbox.Received(new InboxChanged(7, 7, 9, "e1", 9)); // only expiry changes it without an entry: fewer is newer
        Assert.Equal(6, inbox.Counts.Current!.Unread);
        inbox.Drop(); // the answer to Reauthenticate
        inbox.Received(new InboxChanged(7, 7, 9, "e1", 9));
        Assert.Equal(7, inbox.Counts.Current!.Unread);
        inbox.Received(new InboxChanged(1, 1, 2, "e2", 2));
        Assert.Equal((1, "e2"), (inbox.Counts.Current!.Unread, inbox.Counts.Current.Epoch));
    }

    [Fact]
    public async Task What_was_handled_is_acknowledged_and_nothing_more()
    {
        await using var service = await StubService.StartAsync(request =>
        {
            var log = StubService.Log(request, head: 3);
            return log with { Result = log.Result with { User = "alice" } };
        });
        await using var client =
            new NotifyClient(Options(service.Url) with { Device = "phone", User = "alice", CursorStore = new MemoryCursorStore(new Cursor(0, "e1")) });
        await client.StartAsync(Token);
        await foreach (var notification in client.Notifications.WithCancellation(Token))
            if (notification.Version == 3) break;
        await client.StopAsync();
        Assert.Equal(2, service.Acks.Items.Max());
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    private static NotifyClientOptions Options(Uri url) =>
        new() { Url = url, Topics = ["t/#"], MaxReconnectDelay = TimeSpan.FromMilliseconds(50), CursorSaveInterval = TimeSpan.Zero };

    private static async Task<WebApplication> OtherAsync(HttpStatusCode status)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        app.Run(async context =>
        {
            context.Response.StatusCode = (int)status;
            await context.Response.WriteAsync("<html>It works!</html>", context.RequestAborted);
        });
        await app.StartAsync();
        return app;
    }

    private static Uri Address(WebApplication app) =>
        new(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());

    private sealed class Lines : ILoggerFactory, ILogger
    {
        public Observed<string> All { get; } = new();

        public void AddProvider(ILoggerProvider provider) => throw new NotSupportedException();

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Information;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            All.Add($"{logLevel}: {formatter(state, exception)}");

        public void Dispose()
        {
        }
    }
}
