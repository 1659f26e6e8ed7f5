namespace Notify.Server.Hosting;

/// <summary>Does something with the service's own settings instead of running the service.</summary>
internal delegate Task Command(WebApplicationBuilder builder, CommandOptions options);

/// <summary>What the program can do besides running the service.</summary>
internal static class Commands
{
    private static readonly Dictionary<string, (Func<string[], CommandOptions> Read, Command Run)> Known = new(StringComparer.Ordinal)
    {
        [CreateKeyCommand.Name] = (CreateKeyCommand.Read, CreateKeyCommand.RunAsync),
        [TokenCommand.Name] = (TokenCommand.Read, TokenCommand.RunAsync),
        [NewEpochCommand.Name] = (NoOptions, (builder, _) => NewEpochCommand.RunAsync(builder)),
        [MoveSchemaCommand.Name] = (NoOptions, (builder, _) => MoveSchemaCommand.RunAsync(builder)),
    };

    public static IEnumerable<string> Names => Known.Keys;

    /// <summary>The command that the arguments begin with, and its options; null when they are settings alone.</summary>
    public static (Command? Run, CommandOptions? Options) Find(string[] args) =>
        args is [var first, ..] && Known.TryGetValue(first, out var command) ? (command.Run, command.Read(args[1..])) : (null, null);

    private static CommandOptions NoOptions(string[] args) => CommandOptions.Read(args, [], []);
}
