using System.ComponentModel;
using System.Diagnostics;
using System.Runtime.InteropServices;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads;

/// <summary>How long the disk takes: 8 KB written into a file that is there already, and fdatasync, as Postgres does with its WAL.</summary>
internal static partial class FsyncTime
{
    /// <param name="path">Where to write.</param>
    /// <param name="rounds">How often.</param>
    /// <param name="pause">Before each: a disk, and a core, that were idle take longer.</param>
    public static async Task<double> MedianMillisecondsAsync(string path, int rounds, TimeSpan pause)
    {
        var page = new byte[8192];
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.ReadWrite, FileShare.None, FileOptions.None, page.Length * rounds);
        for (var i = 0; i < rounds; i++) RandomAccess.Write(file, page, (long)i * page.Length);
        RandomAccess.FlushToDisk(file);
        var times = new List<double>(rounds);
        for (var i = 0; i < rounds; i++)
        {
            if (pause > TimeSpan.Zero) await Task.Delay(pause);
            var clock = Stopwatch.StartNew();
            RandomAccess.Write(file, page, (long)i * page.Length);
            if (DataSync(file.DangerousGetHandle().ToInt32()) != 0) throw new Win32Exception();
            times.Add(clock.Elapsed.TotalMilliseconds);
        }

        return Median.Of(times);
    }

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static partial int DataSync(int descriptor);
}
