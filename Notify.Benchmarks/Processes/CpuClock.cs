using System.Globalization;

namespace Notify.Benchmarks.Processes;

/// <summary>CPU seconds that processes have used, from <c>/proc</c>, in ticks of 10 ms.</summary>
internal static class CpuClock
{
    private const double TicksPerSecond = 100;

    /// <summary>One process, all of its threads, living and ended.</summary>
    public static double OfProcess(int id) => Read(id) is { } stat ? stat.Own : 0;

    /// <summary>What .NET's background compiler has used in a process; it ends when it is idle, and begins again at zero.</summary>
    public static double OfCompiler(int id)
    {
        var seconds = 0.0;
        foreach (var task in Threads(id))
        {
            // Names are cut at 15 characters, see prctl(2).
            if (Read(task) is { Name: ".NET Tiered Com" } stat) seconds += stat.Own;
        }

        return seconds;
    }

    /// <summary>
    /// A process and all of its children: a living child counts by its own time; one that has ended was waited for by
    /// its parent (Postgres's postmaster does so at once) and is in the parent's cutime and cstime from then on. So each
    /// second is counted once, whenever a backend goes.
    /// </summary>
    public static double OfFamily(int id)
    {
        while (true)
        {
            var before = Read(id) ?? default;
            var living = 0.0;
            foreach (var folder in Directory.EnumerateDirectories("/proc"))
            {
                if (!int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var child)) continue;
                if (Read(child) is { } stat && stat.Parent == id) living += stat.Own + stat.EndedChildren;
            }

            // One that ended while the others were read would be missing, or be there twice.
            var after = Read(id) ?? default;
            if (after.EndedChildren <= before.EndedChildren) return after.Own + after.EndedChildren + living;
        }
    }

    /// <summary>A process, its children, theirs, and so on.</summary>
    public static double OfTree(int root)
    {
        var living = new Dictionary<int, Stat>();
        foreach (var folder in Directory.EnumerateDirectories("/proc"))
        {
            if (int.TryParse(Path.GetFileName(folder), NumberStyles.None, CultureInfo.InvariantCulture, out var id) && Read(id) is { } stat) living[id] = stat;
        }

        var children = living.ToLookup(p => p.Value.Parent, p => p.Key);
        double Of(int id) => living.TryGetValue(id, out var stat) ? stat.Own + stat.EndedChildren + children[id].Sum(Of) : 0;
        return Of(root);
    }

    /// <summary>What the whole machine has used: neither idle, nor waiting for a disk, nor taken by the machine's host.</summary>
    public static double OfMachine()
    {
        var fields = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries).Skip(1)
            .Select(field => long.Parse(field, CultureInfo.InvariantCulture)).ToList();
        return (fields[0] + fields[1] + fields[2] + fields[5] + fields[6]) / TicksPerSecond;
    }

    /// <summary>Resident memory, bytes.</summary>
    public static long ResidentBytes(int id) =>
        long.Parse(File.ReadLines($"/proc/{id}/status").First(l => l.StartsWith("VmRSS:", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) * 1024;

    private static IEnumerable<string> Threads(int id)
    {
        try
        {
            return Directory.GetDirectories($"/proc/{id}/task").Select(folder => $"{id}/task/{Path.GetFileName(folder)}");
        }
        catch (IOException)
        {
            return [];
        }
    }

    private static Stat? Read(int id) => Read($"{id}");

    /// <param name="task">A process, or one of its threads: <c>id</c>, or <c>id/task/thread</c>.</param>
    private static Stat? Read(string task)
    {
        string text;
        try
        {
            text = File.ReadAllText($"/proc/{task}/stat");
        }
        catch (IOException)
        {
            return null; // it has ended meanwhile
        }

        // Behind the name, which may hold spaces: state ppid … utime(11) stime(12) cutime(13) cstime(14), see proc(5).
        var name = text[(text.IndexOf('(') + 1)..text.LastIndexOf(')')];
        var fields = text[(text.LastIndexOf(')') + 2)..].Split(' ');
        double Ticks(int at) => long.Parse(fields[at], CultureInfo.InvariantCulture) / TicksPerSecond;
        return new Stat(name, int.Parse(fields[1], CultureInfo.InvariantCulture), Ticks(11) + Ticks(12), Ticks(13) + Ticks(14));
    }

    private readonly record struct Stat(string Name, int Parent, double Own, double EndedChildren);
}
