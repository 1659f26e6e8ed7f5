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
        for (var patience = 40; Directory.Exists(path); patience--)
        {
            try
            {
                Directory.Delete(path, recursive: true);
            }
            catch (IOException) when (patience > 0)
            {
                Task.Delay(50).Wait(); // backends of a Postgres that was killed still write here
            }
        }
    }
}
