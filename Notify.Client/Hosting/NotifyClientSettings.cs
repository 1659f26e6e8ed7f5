namespace Notify.Client;

/// <summary>
/// The settings of <c>AddNotifyClient</c>: bound from <c>Notify:Client</c>, or <c>Notify:Clients:{name}</c> for a named one. What has no
/// place in a file (cursor store, handlers of the HTTP connection, MessagePack) is set by <see cref="Configure"/>.
/// </summary>
public sealed class NotifyClientSettings
{
    /// <inheritdoc cref="NotifyClientOptions.Url"/>
    public Uri? Url { get; set; }

    /// <inheritdoc cref="NotifyClientOptions.Addresses"/>
    public IList<Uri> Addresses { get; } = [];

    /// <inheritdoc cref="NotifyClientOptions.Topics"/>
    public IList<string> Topics { get; } = [];

    /// <summary>A bearer token or API key. What must be renewed has an <see cref="AccessTokenProvider"/>.</summary>
    public string? Token { get; set; }

    /// <inheritdoc cref="NotifyClientOptions.AccessTokenProvider"/>
    public Func<IServiceProvider, Task<string?>>? AccessTokenProvider { get; set; }

    /// <inheritdoc cref="NotifyClientOptions.Device"/>
    public string? Device { get; set; }

    /// <inheritdoc cref="NotifyClientOptions.User"/>
    public string? User { get; set; }

    /// <inheritdoc cref="NotifyClientOptions.Inbox"/>
    public bool Inbox { get; set; }

    /// <summary>The file of the cursor (<see cref="FileCursorStore"/>). Default: in memory, so that a new process begins at what is new.</summary>
    public string? CursorFile { get; set; }

    /// <inheritdoc cref="NotifyClientOptions.BufferSize"/>
    public int BufferSize { get; set; } = 2000;

    /// <inheritdoc cref="NotifyClientOptions.Timeout"/>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(15);

    /// <inheritdoc cref="NotifyClientOptions.MaxReconnectDelay"/>
    public TimeSpan MaxReconnectDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>The last word on the client's options: <c>settings.Configure = options => options.WithMessagePack()</c>.</summary>
    public Func<NotifyClientOptions, NotifyClientOptions>? Configure { get; set; }

    internal NotifyClientOptions ToOptions(IServiceProvider? services, Microsoft.Extensions.Logging.ILoggerFactory? loggers)
    {
        var options = new NotifyClientOptions
        {
            Url = Url,
            Addresses = [.. Addresses],
            Topics = [.. Topics],
            AccessTokenProvider = AccessTokenProvider is { } provider && services is not null ? () => provider(services) : Token is { } token ? () =>
                Task.FromResult<string?>(token) : null,
            Device = Device,
            User = User,
            Inbox = Inbox,
            CursorStore = CursorFile is { } file ? new FileCursorStore(file) : null,
            BufferSize = BufferSize,
            Timeout = Timeout,
            MaxReconnectDelay = MaxReconnectDelay,
            LoggerFactory = loggers,
        };
        return Configure is { } configure ? configure(options) : options;
    }
}

/// <summary>
/// The settings of <c>AddNotifyPublisher</c>: bound from <c>Notify:Publisher</c>, or <c>Notify:Publishers:{name}</c> for a named one.
/// </summary>
public sealed class NotifyPublisherSettings
{
    /// <summary>Where the service is. This or <see cref="Addresses"/>.</summary>
    public Uri? Url { get; set; }

    /// <inheritdoc cref="NotifyPublisherOptions.Addresses"/>
    public IList<Uri> Addresses { get; } = [];

    /// <summary>A bearer token or API key.</summary>
    public string? Token { get; set; }

    /// <inheritdoc cref="NotifyPublisherOptions.MaxAttempts"/>
    public int MaxAttempts { get; set; } = 6;

    /// <inheritdoc cref="NotifyPublisherOptions.MaxDelay"/>
    public TimeSpan MaxDelay { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>How long one attempt may take. Default: 30 seconds.</summary>
    public TimeSpan Timeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>The last word on the publisher's options.</summary>
    public Func<NotifyPublisherOptions, NotifyPublisherOptions>? Configure { get; set; }

    internal IReadOnlyList<Uri> AllAddresses => Url is { } url ? [url] : [.. Addresses];

    internal string? Problem() =>
        Url is not null && Addresses.Count > 0 ? $"{nameof(Url)} or {nameof(Addresses)} says where the service is, not both."
        : AllAddresses.Count == 0 ? $"{nameof(Url)} or {nameof(Addresses)} says where the service is."
        : Timeout <= TimeSpan.Zero ? $"{nameof(Timeout)} is more than zero."
        : ToOptions().Problem();

    internal NotifyPublisherOptions ToOptions()
    {
        var options = new NotifyPublisherOptions { Addresses = AllAddresses, MaxAttempts = MaxAttempts, MaxDelay = MaxDelay };
        return Configure is { } configure ? configure(options) : options;
    }
}
