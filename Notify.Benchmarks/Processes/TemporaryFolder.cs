using System.Collections.Concurrent;

namespace Notify.Benchmarks.Processes;

/// <summary>Folders that go with the tool, however it ends.</summary>
internal sealed class TemporaryFolder : IDisposable
{
    private static readonly ConcurrentDictionary<string, bool> Living = new(StringComparer.Ordinal);

    public TemporaryFolder(string prefix)
    {
        Path = Directory.CreateTempSubdirectory(prefix).FullName;
        Living[Path] = true;
    }

    public string Path { get; }

    public static void DeleteAll()
    {
        foreach (var path in Living.Keys) Delete(path);
    }

    public void Dispose()
    {
        Living.TryRemove(Path, out _);
        Delete(Path);
    }

    private static void Delete(string path)
    {
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (IOException)
        {
            // A database that is just ending still writes here: once more.
            if (Directory.Exists(path)) Directory.Delete(path, recursive: true);
        }
    }
}
