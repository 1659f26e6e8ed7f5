using System.Globalization;

namespace Notify.Benchmarks.Processes;

/// <summary>Every connection is an open file, of the server and of the load: what is started inherits the limit.</summary>
internal static class OpenFiles
{
    /// <summary>Raises the limit to so many where that is allowed; returns what it is then.</summary>
    public static async Task<int> AllowAsync(int files)
    {
        var own = Environment.ProcessId.ToString(CultureInfo.InvariantCulture);
        var hard = (await ChildProcess.RunAsync(["prlimit", "--pid", own, "--nofile", "--output", "HARD", "--noheadings"])).Trim();
        var allowed = int.TryParse(hard, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : int.MaxValue;
        if (allowed >= files) return allowed;
        try
        {
            await ChildProcess.RunAsync(["prlimit", "--pid", own, string.Create(CultureInfo.InvariantCulture, $"--nofile={files}:{files}")]);
            return files;
        }
        catch (InvalidOperationException)
        {
            return allowed; // only an administrator may go over it
        }
    }
}
