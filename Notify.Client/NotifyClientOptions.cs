using Microsoft.AspNetCore.Http.Connections.Client;
using Microsoft.AspNetCore.SignalR.Protocol;
using Microsoft.Extensions.Logging;

namespace Notify.Client;

/// <summary>How a <see cref="NotifyClient"/> connects and what it follows. Immutable: <c>with</c> makes a variant.</summary>
public sealed record NotifyClientOptions
{
    /// <summary>Where the service is, such as <c>http://localhost:5080</c>; the hub's path is added. This or <see cref="Addresses"/>.</summary>
    public Uri? Url { get; init; }

    /// <summary>
    /// Where the service is, for one with several addresses: the next one is tried on failure, and the client goes back to the
    /// first when that is well again. Default: <see cref="Url"/> alone.
    /// </summary>
    public IReadOnlyList<Uri> Addresses { get; init; } = [];

    /// <summary>How often the first address is looked at while another one is in use. Default: 30 seconds.</summary>
    public TimeSpan ReturnInterval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The topic filters to follow from the start. Default: none, only what is the user's own.</summary>
    public IReadOnlyList<string> Topics { get; init; } = [];

    /// <summary>Where the cursor is kept. Default: in memory, so that a new process begins at what is new.</summary>
    public ICursorStore? CursorStore { get; init; }

    /// <summary>
    /// The cursor is saved, and told to the service for the device, at most this often, and when the client is disposed; after a
    /// crash, what was handled since the last save comes again. Zero: after every notification. Default: 1 second.
    /// </summary>
    public TimeSpan CursorSaveInterval { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Gives the bearer token or API key: before every connection, before the token at hand expires (then the living connection
    /// gets the new one), and once more when one was refused. Default: none.
    /// </summary>
    public Func<Task<string?>>? AccessTokenProvider { get; init; }

    /// <summary>Names this device, so that its acknowledged version is kept apart from the user's other devices. Default: none.</summary>
    public string? Device { get; init; }

    /// <summary>
    /// Tells the service what the device has handled, where there are a user and a <see cref="Device"/>: a client without a
    /// cursor goes on there. Default: true.
    /// </summary>
    public bool Acknowledge { get; init; } = true;

    /// <summary>Names the user to a service in Development, which asks for no token; elsewhere the token does. Default: none.</summary>
    public string? User { get; init; }

    /// <summary>Ask for the counts of the user's inbox: <see cref="NotifyInbox.Counts"/>. Default: false.</summary>
    public bool Inbox { get; init; }

    /// <summary>The language of the connection. Default: JSON. The package Notify.Client.MessagePack has <c>WithMessagePack()</c>.</summary>
    public IHubProtocol? Protocol { get; init; }

    /// <summary>How long an attempt to connect, a call or the token provider may take. Default: 15 seconds.</summary>
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(15);

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

    /// <summary>
    /// Changes the HTTP connection: transports, headers, certificates, proxy. Calls take their handler and headers from it too. Default:
    /// SignalR's own.
    /// </summary>
    public Action<HttpConnectionOptions>? ConfigureConnection { get; init; }

    /// <summary>
    /// Where to log. Default: nowhere, except that the first failure to connect of a client whose states nothing observes is
    /// written to standard error, since a wrong address would otherwise look like waiting.
    /// </summary>
    public ILoggerFactory? LoggerFactory { get; init; }

    /// <summary>The clock of waits. Default: the system's.</summary>
    public TimeProvider TimeProvider { get; init; } = TimeProvider.System;

    internal IReadOnlyList<Uri> AllAddresses => Url is { } url ? [url] : Addresses;

    internal string? Problem() =>
        Url is not null && Addresses.Count > 0 ? $"{nameof(Url)} or {nameof(Addresses)} says where the service is, not both."
        : AllAddresses.Count == 0 ? $"{nameof(Url)} or {nameof(Addresses)} says where the service is."
        : AllAddresses.Any(address => !ServiceAddress.IsValid(address))
            ? $"{(Url is null ? nameof(Addresses) : nameof(Url))} is an absolute http or https address."
        : BufferSize < 1 ? $"{nameof(BufferSize)} is at least 1."
        : MaxReconnectDelay <= TimeSpan.Zero ? $"{nameof(MaxReconnectDelay)} is more than zero."
        : Timeout <= TimeSpan.Zero ? $"{nameof(Timeout)} is more than zero."
        : ReturnInterval <= TimeSpan.Zero ? $"{nameof(ReturnInterval)} is more than zero."
        : CursorSaveInterval < TimeSpan.Zero ? $"{nameof(CursorSaveInterval)} is not negative."
        : null;

    internal void Validate()
    {
        if (Problem() is { } problem) throw new ArgumentException(problem);
    }
}

internal static class ServiceAddress
{
    public static bool IsValid(Uri? address) => address is { IsAbsoluteUri: true, Scheme: "http" or "https" };

    public static string Root(Uri address) => address.GetLeftPart(UriPartial.Path).TrimEnd('/');
}
