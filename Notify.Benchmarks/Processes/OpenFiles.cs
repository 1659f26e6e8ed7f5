using System.Globalization;

namespace Notify.Benchmarks.Processes;

/// <summary>Every connection is an open file, of the server and of the load: what is started inherits the limit.</summary>
internal static class OpenFiles
{
    public static async Task AllowAsync(int files)
    {
        var own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var hard = await ChildProcess.RunAsync(["prlimit", "--pid", own, "--nofile", "--output", "HARD", "--noheadings"]);
        if (hard.Trim() == "unlimited" || long.Parse(hard, CultureInfo.InvariantCulture) >= files) return;
        try
        {
            await ChildProcess.RunAsync(["prlimit", "--pid", own, string.Create(CultureInfo.InvariantCulture, $"--nofile={files}:{files}")]);
        }
        catch (InvalidOperationException error)
        {
            throw new ArgumentException($"{files} open files are needed and {hard.Trim()} allowed: raise the limit (ulimit -Hn), or ask for fewer connections.", error);
        }
    }
}
