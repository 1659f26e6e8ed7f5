using Notify.Server.Configuration;
using Notify.Server.Connections;

namespace Notify.Server.Hosting;

/// <summary>
/// What the process needs of the machine before anything else: where it is missing, the runtime would end with a stack, or abort on a
/// thread where nothing can catch it.
/// </summary>
internal static class Surroundings
{
    /// <summary>More than an idle node on a few cores has; a busy one adds as it needs them.</summary>
    private const int Threads = 32;

    /// <summary>What an idle node has open, its own parts most of all; <see cref="ConnectionCap"/> looks again at what is left for connections.</summary>
    private const int Files = 400;

    /// <exception cref="SettingsException">Something is missing, and what.</exception>
    public static void Check()
    {
        CheckFolder();
        CheckFiles();
        CheckThreads();
    }

    private static void CheckFolder()
    {
        try
        {
            Directory.GetCurrentDirectory();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new SettingsException("The folder that the service was started in is gone or closed to it: start it from one that is there " +
                "(WorkingDirectory= in a systemd unit).");
        }
    }

    private static void CheckFiles()
    {
        if (OpenFiles.Limit() is { } limit and < Files) throw ConnectionCap.TooFewFiles(limit, Files);
    }

    // Together, since a limit counts those that are there at a time. A thread that cannot be made is an OutOfMemoryException.
    private static void CheckThreads()
    {
        using var enough = new ManualResetEventSlim();
        var made = new List<Thread>(Threads);
        try
        {
            for (var i = 0; i < Threads; i++)
            {
                var thread = new Thread(() => enough.Wait(), maxStackSize: 128 * 1024) { IsBackground = true };
                thread.Start();
                made.Add(thread);
            }
        }
        catch (OutOfMemoryException)
        {
            throw new SettingsException($"The system lets this process have {made.Count} more threads, and it needs {Threads}: raise the limit (TasksMax= " +
                "in a systemd unit, pids_limit in a compose file, ulimit -u in a shell).");
        }
        finally
        {
            enough.Set();
            foreach (var thread in made) thread.Join();
        }
    }
}
