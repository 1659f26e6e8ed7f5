using System.Collections.Concurrent;
using System.Security.Cryptography;

namespace Notify.Tests.Fixtures;

/// <summary>Installs what the lock file of a folder names, once a test run.</summary>
internal static class NodePackages
{
    private static readonly ConcurrentDictionary<string, Lazy<Task>> Installed = new();

    public static Task InstallAsync(string folder) => Installed.GetOrAdd(folder, f => new Lazy<Task>(() => RunAsync(f))).Value;

    // npm ci takes the exact versions of the lock file. What is there already from this very lock file is kept, so that
    // a machine without a registry can run the tests again.
    private static async Task RunAsync(string folder)
    {
        var stamp = Path.Combine(folder, "node_modules", ".installed");
        var wanted = Convert.ToHexStringLower(SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, "package-lock.json"))));
        if (File.Exists(stamp) && await File.ReadAllTextAsync(stamp) == wanted) return;
        await ChildProcess.RunAsync("npm", ["ci"], folder, TimeSpan.FromMinutes(3));
        await File.WriteAllTextAsync(stamp, wanted);
    }
}
