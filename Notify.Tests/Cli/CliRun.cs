using System.Text.RegularExpressions;
using Notify.Cli;

namespace Notify.Tests.Cli;

/// <summary>Commands in the test's own process, and what they printed with everything replaced that differs each time, length by length.</summary>
internal sealed partial class CliRun(Uri service, string folder)
{
    public async Task<(int ExitCode, string Printed, string Said)> RunAsync(string[] args, bool terminal = false, bool colours = false, string input = "",
        string? context = null)
    {
        var (output, error) = (new StringWriter(), new StringWriter());
        var variables = new Dictionary<string, string?>
        {
            ["NOTIFY_URL"] = context is null ? service.GetLeftPart(UriPartial.Authority) : null,
            ["NOTIFY_CONTEXT"] = context,
            ["NOTIFY_CONFIG"] = Path.Combine(folder, "config.json"),
            ["NOTIFY_SIGNING_KEY"] = "a signing key of tests, 0123456789 0123456789",
        };
        var console = new CliConsole(new StringReader(input), output, error, terminal, colours, 120, variables.GetValueOrDefault, TimeProvider.System);
        var code = await NotifyCommand.RunAsync(args, console, TestContext.Current.CancellationToken);
        return (code, Steady(output.ToString()), Steady(error.ToString()));
    }

    private string Steady(string text)
    {
        text = text.ReplaceLineEndings("\n").Replace(service.Port.ToString(System.Globalization.CultureInfo.InvariantCulture), "5080", StringComparison.Ordinal)
            .Replace(folder, "~", StringComparison.Ordinal);
        text = text.Replace("Notify.Tests [", "notify [", StringComparison.Ordinal).Replace("Notify.Tests ", "notify ", StringComparison.Ordinal);
        text = Differs().Replace(text, match => NotSeparator().Replace(match.Value, "0"));
        text = Secret().Replace(text, match => match.Groups["kind"].Value + new string('x', match.Length - match.Groups["kind"].Length));
        return string.Join('\n', text.Split('\n').Select(line => line.TrimEnd())).TrimEnd();
    }

    [GeneratedRegex(
        @"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}|\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z|(?<!\d)\d\d:\d\d:\d\d(?!\d)" +
        @"|\b[0-9a-f]{32}\b|\b[0-9a-f]{16}\b",
        RegexOptions.ExplicitCapture)]
    private static partial Regex Differs();

    [GeneratedRegex("[0-9a-f]")]
    private static partial Regex NotSeparator();

    [GeneratedRegex(@"(?<kind>ntf_|eyJ)[A-Za-z0-9_.-]+", RegexOptions.ExplicitCapture)]
    private static partial Regex Secret();
}
