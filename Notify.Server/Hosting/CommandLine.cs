using Notify.Server.Configuration;

namespace Notify.Server.Hosting;

/// <summary>What the process was started with: a command or none, then settings. Every word is one of them, or a slip that is told.</summary>
/// <param name="Command">Null: run the service.</param>
/// <param name="Settings">As ASP.NET's command-line configuration takes them.</param>
internal sealed record CommandLine(string? Command, string[] Settings)
{
    private const string Prefix = "--";

    /// <summary>The command's own options.</summary>
    public required CommandOptions Options { get; init; }

    private static readonly string[] Commands = [CreateKeyCommand.Name, TokenCommand.Name, NewEpochCommand.Name, MoveSchemaCommand.Name];

    /// <summary>Whether an option is among the words, with or without a value.</summary>
    public static bool Has(string[] args, params string[] options) =>
        args.Any(argument => options.Contains(argument.Split('=', 2)[0], StringComparer.OrdinalIgnoreCase));

    /// <exception cref="SettingsException">A word is neither a command nor a setting.</exception>
    public static CommandLine Read(string[] args)
    {
        var command = args is [var first, ..] && Commands.Contains(first) ? first : null;
        var options = CommandOptions.Read(
            command is null ? args : args[1..],
            command is CreateKeyCommand.Name or TokenCommand.Name ? ["admin"] : [],
            command switch
            {
                CreateKeyCommand.Name => ["name", "publish", "subscribe", "expires"],
                TokenCommand.Name => ["user", "publish", "subscribe", "for"],
                _ => [],
            });
        var settings = options.Settings;
        for (var i = 0; i < settings.Length; i++)
        {
            var isOption = settings[i].StartsWith(Prefix, StringComparison.Ordinal) || settings[i].StartsWith('/');
            var equals = settings[i].IndexOf('=', StringComparison.Ordinal);
            if (!isOption && equals < 0) throw NoSetting(settings[i], mayBeCommand: i == 0 && command is null);
            var key = settings[i][..(equals < 0 ? settings[i].Length : equals)];
            if (key.StartsWith('-') && !isOption)
                throw new SettingsException($"There is no option '{key}'. Settings are written with two dashes: --Urls={ListenAddresses.Default}. --help " +
                    "lists them.");
            key = key.StartsWith('/') ? key[1..] : isOption ? key[Prefix.Length..] : key;
            ProcessSettings.CheckKey(key);
            if (equals >= 0) continue;
            if (++i == settings.Length || settings[i].StartsWith(Prefix, StringComparison.Ordinal))
                throw new SettingsException($"The setting {key} has no value; it is written --{key}=value.");
        }

        return new CommandLine(command, settings) { Options = options };
    }

    private static SettingsException NoSetting(string word, bool mayBeCommand) => mayBeCommand && !word.StartsWith('-')
        ? new($"There is no command '{word}'. There are {string.Join(", ", Commands)}; settings are written --Urls={ListenAddresses.Default}. --help lists " +
            "them.")
        : new($"'{word}' is no setting: they are written --Urls={ListenAddresses.Default}, and a value with spaces in it needs quotes. --help lists them.");
}
