using System.Diagnostics;

namespace Notify.Tests.Fixtures;

/// <summary>A disk of a few megabytes in memory (tmpfs) that a test can fill.</summary>
internal sealed class SmallDisk : IAsyncDisposable
{
    private const int Piece = 64 * 1024;

    private static readonly Lazy<string?> Reason = new(() => TryAsync().GetAwaiter().GetResult());

    private readonly string _folder;

    private SmallDisk(string folder) => _folder = folder;

    private string Ballast => Path.Combine(_folder, "ballast");

    /// <summary>Why this machine cannot mount one; null when it can.</summary>
    public static string? WhyNot() => Reason.Value;

    public static async Task<SmallDisk> MountAsync(string folder, int megabytes)
    {
        await ChildProcess.RunAsync("mount", ["-t", "tmpfs", "-o", $"size={megabytes}m,mode=755", "tmpfs", folder], Path.GetTempPath(),
            TimeSpan.FromSeconds(10));
        return new SmallDisk(folder);
    }

    /// <summary>Until nothing more fits.</summary>
    public async Task FillAsync()
    {
        await using var file = new FileStream(Ballast, FileMode.Create, FileAccess.Write, FileShare.None, bufferSize: 0);
        try
        {
            for (var piece = new byte[Piece]; ;) await file.WriteAsync(piece);
        }
        catch (IOException)
        {
            // Full.
        }
    }

    public void MakeRoom() => File.Delete(Ballast);

    // Lazily: a backend that is just ending may still have a file open.
    public async ValueTask DisposeAsync()
    {
        using var unmount = Process.Start("umount", ["--lazy", _folder]);
        await unmount.WaitForExitAsync();
    }

    private static async Task<string?> TryAsync()
    {
        if (!OperatingSystem.IsLinux()) return "a small disk needs Linux's tmpfs";
        using var folder = new TempFolder();
        try
        {
            await using var disk = await MountAsync(folder.Path, 1);
            return null;
        }
        catch (InvalidOperationException)
        {
            return "this process may not mount a tmpfs: run as root, or in a container with CAP_SYS_ADMIN";
        }
    }
}
