namespace Notify.Server.Hubs.Arguments;

/// <summary>What the protocols read instead of a call's argument, so that its members are read by us and named when they are wrong.</summary>
internal interface IHubArgument
{
    /// <summary>The argument itself.</summary>
    object? Value { get; }
}

/// <inheritdoc/>
/// <typeparam name="T">The parameter's type.</typeparam>
internal sealed record HubArgument<T>(T? Value) : IHubArgument
{
    /// <summary>What the parameter's type takes.</summary>
    public static ArgumentShape Shape { get; } = new(typeof(T));

    object? IHubArgument.Value => Value;
}
