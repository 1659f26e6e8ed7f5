using Microsoft.AspNetCore.Http.Connections.Client;
using Microsoft.Extensions.Logging;

namespace Notify.Client;

/// <summary>How a <see cref="NotifyClient"/> connects and what it follows. Immutable: <c>with</c> makes a variant.</summary>
public sealed record NotifyClientOptions
{
    /// <summary>Where the service is, such as <c>http://localhost:5080</c>; the hub's path is added.</summary>
    public required Uri Url { get; init; }

    /// <summary>The topic filters to follow from the start. Default: none, only what is the user's own.</summary>
    public IReadOnlyList<string> Topics { get; init; } = [];

    /// <summary>Where the cursor is kept. Default: in memory, so that a new process begins at what is new.</summary>
    public ICursorStore? CursorStore { get; init; }

    /// <summary>
    /// The cursor is saved at most this often, and when the client is disposed; after a crash, what was handled since
    /// the last save comes again. Zero: after every notification. Default: 1 second.
    /// </summary>
    public TimeSpan CursorSaveInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Gives the bearer token, before every connection. Default: none.</summary>
    public Func<Task<string?>>? AccessTokenProvider { get; init; }

    /// <summary>Names this device, so that its acknowledged version is kept apart from the user's other devices. Default: none.</summary>
    public string? Device { get; init; }

    /// <summary>Names the user to a service in Development, which asks for no token; elsewhere the token does. Default: none.</summary>
    public string? User { get; init; }

    /// <summary>Speak MessagePack instead of JSON. Default: false.</summary>
    public bool UseMessagePack { get; init; }

    /// <summary>
    /// The longest wait before the next attempt to connect. Each wait is drawn evenly from zero to a limit that doubles
    /// from 0.5 s up to this, so that clients cut off together do not come back together. Default: 10 seconds.
    /// </summary>
    public TimeSpan MaxReconnectDelay { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How many notifications may wait for the reader, at least 1. When it falls further behind the client lets the
    /// connection go and resumes when the reader has come to a quarter: the log is the buffer, and memory stays bounded.
    /// Default: 2,000.
    /// </summary>
    public int BufferSize { get; init; } = 2000;

    /// <summary>Changes the HTTP connection: transports, headers, certificates, proxy. Default: SignalR's own.</summary>
    public Action<HttpConnectionOptions>? ConfigureConnection { get; init; }

    /// <summary>Where to log. Default: nowhere.</summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The clock of waits. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal void Validate()
    {
        if (Url is not { IsAbsoluteUri: true, Scheme: "http" or "https" })
            throw new ArgumentException($"{nameof(Url)} is an absolute http or https address.");
        if (BufferSize < 1) throw new ArgumentException($"{nameof(BufferSize)} is at least 1.");
        if (MaxReconnectDelay <= TimeSpan.Zero) throw new ArgumentException($"{nameof(MaxReconnectDelay)} is more than zero.");
        if (CursorSaveInterval < TimeSpan.Zero) throw new ArgumentException($"{nameof(CursorSaveInterval)} is not negative.");
    }
}
