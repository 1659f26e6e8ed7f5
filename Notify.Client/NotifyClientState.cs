namespace Notify.Client;

/// <summary>
/// What a <see cref="NotifyClient"/> is doing, as a user interface can show it:
/// <code>
/// text.Value = client.State switch
/// {
///     NotifyClientState.Live => "",
///     NotifyClientState.Retrying retrying => $"Offline: {retrying.Why.Message} Again at {retrying.When:T}.",
///     NotifyClientState.Failed failed => failed.Why.Message,
///     var state => state.Name,
/// };
/// </code>
/// </summary>
public abstract record NotifyClientState
{
    private protected NotifyClientState(string name) => Name = name;

    /// <summary>The name that the JavaScript client has for it, such as <c>catchingUp</c>.</summary>
    public string Name { get; }

    /// <summary>Not started.</summary>
    public sealed record Idle() : NotifyClientState("idle");

    /// <summary>On its way to the service.</summary>
    public sealed record Connecting() : NotifyClientState("connecting");

    /// <summary>Connected; what was missed is coming.</summary>
    public sealed record CatchingUp() : NotifyClientState("catchingUp");

    /// <summary>Connected, with everything so far.</summary>
    public sealed record Live() : NotifyClientState("live");

    /// <summary>Without a connection until the reader has caught up with what is buffered.</summary>
    public sealed record ReaderBehind() : NotifyClientState("readerBehind");

    /// <summary>Waiting for the next attempt.</summary>
    /// <param name="Attempt">How many failed in a row; from 1.</param>
    /// <param name="When">When the next one is made.</param>
    /// <param name="Why">Why the last one failed.</param>
    public sealed record Retrying(int Attempt, DateTimeOffset When, NotifyException Why) : NotifyClientState("retrying");

    /// <summary>Refused for good: nothing that waiting would change. <see cref="NotifyClient.StartAsync"/> tries again.</summary>
    /// <param name="Why">What the service said.</param>
    public sealed record Failed(NotifyException Why) : NotifyClientState("failed");

    /// <summary>Stopped.</summary>
    public sealed record Closed() : NotifyClientState("closed");
}
