using Microsoft.AspNetCore.SignalR;

namespace Notify.Server.Hubs;

/// <summary>
/// The loggers of this hub's SignalR, which calls every refused call a failure and prints it with its stack: every client that
/// says nonsense often enough would fill the log. Refusals are answers; what fails otherwise is logged as it was.
/// </summary>
internal sealed class HubLoggerFactory(ILoggerFactory inner) : ILoggerFactory
{
    public ILogger CreateLogger(string categoryName) => new WithoutRefusals(inner.CreateLogger(categoryName));

    public void AddProvider(ILoggerProvider provider) => inner.AddProvider(provider);

    /// <remarks>The inner one is the host's.</remarks>
    public void Dispose()
    {
    }

    private sealed class WithoutRefusals(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => inner.BeginScope(state);

        public bool IsEnabled(LogLevel logLevel) => inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (exception is not HubException) inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
