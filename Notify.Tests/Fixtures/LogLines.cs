using Microsoft.Extensions.Logging;

namespace Notify.Tests.Fixtures;

/// <summary>A logger that keeps what it is given.</summary>
internal sealed class LogLines : ILogger
{
    public Observed<LogLine> All { get; } = new();

    /// <summary>The numbers of the events, in order.</summary>
    public IEnumerable<int> Events => All.Items.Select(line => line.Event);

    /// <summary>The same for what asks for a logger of its type.</summary>
    public ILogger<T> For<T>() => new Typed<T>(this);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
        All.Add(new LogLine(logLevel, eventId.Id, formatter(state, exception)));

    private sealed class Typed<T>(LogLines lines) : ILogger<T>
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter) =>
            lines.Log(logLevel, eventId, state, exception, formatter);
    }
}

internal sealed record LogLine(LogLevel Level, int Event, string Text);
