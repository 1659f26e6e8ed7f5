using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Notify.Engine.Delivery.Sessions;
using Notify.Tests.Api;
using Notify.Tests.EndToEnd;

namespace Notify.Tests.Hubs;

/// <summary>Nothing is sent on a connection before the answer to its Resume.</summary>
public sealed class ResumeOrderTests
{
    [Fact]
    public async Task A_session_is_started_after_the_answer_to_Resume_was_written()
    {
        var answering = new BeforeTheAnswer();
        await using var host =
            await ApiHost.StartAsync(services =>
            services.AddLogging(logging => logging.AddProvider(answering).AddFilter<BeforeTheAnswer>(null, LogLevel.Trace)));
        var sessions = host.Services.GetRequiredService<SessionRegistry>();
        var states = new List<SessionState>();
        answering.Reached = () => states.AddRange(sessions.All.Select(session => session.State));
        await host.PostAsync("/api/v1/notifications", """{"topic":"a","title":"x"}""");

        await using var client = new StockFollower(host.Client.BaseAddress!);
        await client.ResumeAsync(0, null, "a");
        await client.CaughtUp.CountAsync(1);
        Assert.Equal([SessionState.Resumed], states);
    }

    /// <summary>SignalR says so when a call has returned and its result is about to be written.</summary>
    private sealed class BeforeTheAnswer : ILoggerProvider, ILogger
    {
        public Action Reached { get; set; } = () => { };

        public ILogger CreateLogger(string categoryName) => this;

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (eventId.Name == "SendingResult") Reached();
        }

        public void Dispose()
        {
        }
    }
}
