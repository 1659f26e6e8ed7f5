namespace Notify.Tests.Fixtures;

/// <summary>What a process wrote to the console about its failures, out of all its lines.</summary>
internal static class LoggedErrors
{
    private static readonly string[] Beginnings = ["fail: ", "crit: ", "Unhandled exception"];

    /// <summary>The lines of errors and critical ones, and of an exception that nobody caught; an entry goes on in the lines that are indented.</summary>
    public static IEnumerable<string> Of(IEnumerable<string> lines)
    {
        var isError = false;
        foreach (var line in lines)
        {
            if (!line.StartsWith(' ')) isError = Array.Exists(Beginnings, beginning => line.StartsWith(beginning, StringComparison.Ordinal));
            if (isError) yield return line;
        }
    }
}
