using System.CommandLine;

namespace Notify.Cli.Commands;

/// <summary><c>completion</c>: a script for the shell, which asks the program itself.</summary>
internal static class CompletionCommand
{
    private const string Bash = """
        _notify_complete() {
          local IFS=$'\n'
          COMPREPLY=($(compgen -W "$(notify "[suggest:${COMP_POINT}]" "${COMP_LINE}" 2>/dev/null)" -- "${COMP_WORDS[COMP_CWORD]}"))
        }
        complete -o default -F _notify_complete notify
        """;

    private const string Zsh = """
        #compdef notify
        _notify() {
          local -a found
          found=("${(@f)$(notify "[suggest:${#BUFFER}]" "${BUFFER}" 2>/dev/null)}")
          compadd -a found
        }
        compdef _notify notify
        """;

    public static Command Make(CliConsole console)
    {
        var shell = new Argument<string>("shell") { Description = "bash or zsh." };
        shell.AcceptOnlyFromAmong("bash", "zsh");
        var command = new Command("completion", "Prints a script for the shell: source <(notify completion bash).") { shell };
        command.SetAction(parsed =>
        {
            console.Out.WriteLine((parsed.GetValue(shell) == "bash" ? Bash : Zsh).ReplaceLineEndings("\n"));
            return ExitCodes.Done;
        });
        return command;
    }
}
