using Spectre.Console;

namespace Notify.Cli;

/// <summary>What a command reads from and writes to, so that tests run commands in their own process.</summary>
/// <param name="In">Standard input.</param>
/// <param name="Out">Results.</param>
/// <param name="Error">What is said beside them.</param>
/// <param name="IsTerminal">Whether a person reads the results.</param>
/// <param name="Colors">Whether they may have colours.</param>
/// <param name="Width">How wide the terminal is.</param>
/// <param name="Variable">Environment variables.</param>
/// <param name="Time">The clock.</param>
internal sealed record CliConsole(
    TextReader In, TextWriter Out, TextWriter Error, bool IsTerminal, bool Colors, int Width, Func<string, string?> Variable, TimeProvider Time)
{
    public static CliConsole OfProcess() => new(
        Console.In,
        Console.Out,
        Console.Error,
        !Console.IsOutputRedirected,
        !Console.IsOutputRedirected && string.IsNullOrEmpty(Environment.GetEnvironmentVariable("NO_COLOR")),
        Console.IsOutputRedirected ? 120 : Math.Max(40, Console.WindowWidth),
        Environment.GetEnvironmentVariable,
        TimeProvider.System);

    /// <summary>Tables, colours and progress bars on a writer.</summary>
    public IAnsiConsole Ansi(TextWriter writer)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Ansi = Colors ? AnsiSupport.Yes : AnsiSupport.No,
            ColorSystem = Colors ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = Colors ? InteractionSupport.Yes : InteractionSupport.No,
            Out = new AnsiConsoleOutput(writer),
        });
        console.Profile.Width = Width;
        return console;
    }
}
