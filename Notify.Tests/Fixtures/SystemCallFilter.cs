using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Notify.Tests.Fixtures;

/// <summary>
/// What systemd makes of a unit's lines about system calls, as a filter in the kernel's language: <c>systemd-analyze</c> says what is in a set,
/// libseccomp compiles. A call that is not allowed kills the process, as under systemd.
/// </summary>
internal static class SystemCallFilter
{
    private const uint Kill = 0x80000000;
    private const uint Allow = 0x7fff0000;
    private const uint Errno = 0x00050000;
    private const uint NotPermitted = Errno | 1;
    private const uint NotImplemented = Errno | 38;
    private const uint FamilyNotSupported = Errno | 97;
    private const int Equal = 4;
    private const int MaskedEqual = 7;
    private const int Families = 46;

    private static readonly Dictionary<string, ulong> FamilyNumbers = new() { ["AF_UNIX"] = 1, ["AF_INET"] = 2, ["AF_INET6"] = 10, ["AF_NETLINK"] = 16 };

    // CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET
    private static readonly ulong[] Namespaces = [0x80, 0x20000, 0x2000000, 0x4000000, 0x8000000, 0x10000000, 0x20000000, 0x40000000];

    // SCHED_OTHER, BATCH, IDLE: all that is not realtime.
    private static readonly ulong[] OrdinaryPolicies = [0, 3, 5];

    // Lines that take a set away by another name.
    private static readonly (string Key, string Set)[] TakenAway = [("ProtectClock", "@clock"), ("ProtectKernelModules", "@module")];

    public static async Task WriteAsync(SystemdUnit unit, string file)
    {
        var sets = Sets(await ChildProcess.RunAsync("systemd-analyze", ["syscall-filter"], Path.GetTempPath(), TimeSpan.FromSeconds(30)));
        var allowed = Allowed(unit, sets);
        var filter = seccomp_init(Kill);
        try
        {
            if (unit.All("RestrictAddressFamilies").SingleOrDefault() is { } families && allowed.Remove("socket"))
                RestrictFamilies(filter, families.Split(' '));
            if (unit.IsOn("RestrictNamespaces")) RestrictNamespaces(filter, allowed);
            if (unit.IsOn("RestrictRealtime") && allowed.Remove("sched_setscheduler")) RestrictPolicies(filter);
            foreach (var call in allowed) Add(filter, Allow, call);
            using var output = File.OpenHandle(file, FileMode.Create, FileAccess.Write);
            Assert.Equal(0, seccomp_export_bpf(filter, output));
        }
        finally
        {
            seccomp_release(filter);
        }
    }

    private static HashSet<string> Allowed(SystemdUnit unit, Dictionary<string, string[]> sets)
    {
        var lines = unit.All("SystemCallFilter").ToArray();
        Assert.False(lines[0].StartsWith('~'), "The first line says what is allowed.");
        var allowed = Expand("@default", sets).ToHashSet();
        foreach (var line in lines)
        {
            var calls = line.TrimStart('~').Split(' ').SelectMany(name => Expand(name, sets));
            if (line.StartsWith('~')) allowed.ExceptWith(calls);
            else allowed.UnionWith(calls);
        }

        foreach (var (key, set) in TakenAway.Where(taken => unit.IsOn(taken.Key) && sets.ContainsKey(taken.Set))) allowed.ExceptWith(Expand(set, sets));
        return allowed;
    }

    private static Dictionary<string, string[]> Sets(IEnumerable<string> lines)
    {
        var sets = new Dictionary<string, string[]>();
        foreach (var set in string.Join('\n', lines).Split("\n@").Select(text => text.TrimStart('@').Split('\n')))
        {
            sets[$"@{set[0].Trim()}"] =
                [.. set[1..].Where(line => line.StartsWith(' ')).Select(line => line.Trim()).Where(name => name.Length > 0 && name[0] != '#')];
        }

        return sets;
    }

    private static IEnumerable<string> Expand(string name, Dictionary<string, string[]> sets) =>
        name.StartsWith('@') ? sets[name].SelectMany(inner => Expand(inner, sets)) : [name];

    private static void RestrictFamilies(nint filter, string[] families)
    {
        var numbers = families.Select(family => FamilyNumbers[family]).ToHashSet();
        for (var family = 0UL; family < Families; family++)
            Add(filter, numbers.Contains(family) ? Allow : FamilyNotSupported, "socket", new Comparison(0, Equal, family));
    }

    private static void RestrictNamespaces(nint filter, HashSet<string> allowed)
    {
        if (allowed.Remove("clone3")) Add(filter, NotImplemented, "clone3"); // its flags are in memory, where a filter does not see them
        if (allowed.Remove("setns")) Add(filter, NotPermitted, "setns");
        if (allowed.Remove("unshare")) Add(filter, NotPermitted, "unshare");
        if (!allowed.Remove("clone")) return;
        Add(filter, Allow, "clone", new Comparison(0, MaskedEqual, Namespaces.Aggregate((all, one) => all | one), 0));
        foreach (var flag in Namespaces) Add(filter, NotPermitted, "clone", new Comparison(0, MaskedEqual, flag, flag));
    }

    private static void RestrictPolicies(nint filter)
    {
        foreach (var policy in OrdinaryPolicies) Add(filter, Allow, "sched_setscheduler", new Comparison(1, Equal, policy));
    }

    private static void Add(nint filter, uint action, string call, params Comparison[] comparisons)
    {
        var number = seccomp_syscall_resolve_name(call);
        if (number < 0) return; // of another processor, or newer than the library
        Assert.True(seccomp_rule_add_array(filter, action, number, (uint)comparisons.Length, comparisons) == 0, $"libseccomp does not take a rule for {call}.");
    }

    [DllImport("libseccomp.so.2")]
    private static extern nint seccomp_init(uint action);

    [DllImport("libseccomp.so.2")]
    private static extern int seccomp_syscall_resolve_name([MarshalAs(UnmanagedType.LPUTF8Str)] string name);

    [DllImport("libseccomp.so.2")]
    private static extern int seccomp_rule_add_array(nint filter, uint action, int call, uint count, Comparison[] comparisons);

    [DllImport("libseccomp.so.2")]
    private static extern int seccomp_export_bpf(nint filter, SafeFileHandle file);

    [DllImport("libseccomp.so.2")]
    private static extern void seccomp_release(nint filter);

    /// <summary>libseccomp's <c>scmp_arg_cmp</c>.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private readonly struct Comparison(uint argument, int operation, ulong a, ulong b = 0)
    {
        public readonly uint Argument = argument;
        public readonly int Operation = operation;
        public readonly ulong A = a;
        public readonly ulong B = b;
    }
}
