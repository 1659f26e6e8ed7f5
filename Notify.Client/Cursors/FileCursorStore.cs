using System.Text.Json;

namespace Notify.Client;

/// <summary>
/// A cursor in a small JSON file. It is written to a file beside it and renamed over it, so that a crash or a full
/// disk leaves the old cursor whole: a torn file would mean to start again from now and to miss what came meanwhile.
/// </summary>
/// <param name="path">The file; its folder is made when it is missing. One file for each client that runs.</param>
public sealed class FileCursorStore(string path) : ICursorStore
{
    private readonly string _path = Path.GetFullPath(path);

    /// <inheritdoc/>
    /// <exception cref="JsonException">The file is not a cursor. Nothing is guessed: delete the file to begin at what is new.</exception>
    public async ValueTask<Cursor?> LoadAsync(CancellationToken cancellationToken)
    {
        if (!File.Exists(_path)) return null;
        using var file = new FileStream(_path, FileMode.Open, FileAccess.Read, FileShare.Read);
        var cursor = await JsonSerializer.DeserializeAsync(file, ClientJsonContext.Default.Cursor, cancellationToken).ConfigureAwait(false);
        return cursor is { Epoch: not null } ? cursor : throw new JsonException($"{_path} holds no cursor.");
    }

    /// <inheritdoc/>
    public async ValueTask SaveAsync(Cursor cursor, CancellationToken cancellationToken)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_path)!);
        var next = _path + ".next";
        using (var file = new FileStream(next, FileMode.Create, FileAccess.Write, FileShare.None))
        {
            await JsonSerializer.SerializeAsync(file, cursor, ClientJsonContext.Default.Cursor, cancellationToken).ConfigureAwait(false);
            // The rename must not reach the disk before the bytes do.
            file.Flush(flushToDisk: true);
        }

#if NETSTANDARD
        if (File.Exists(_path)) File.Replace(next, _path, null);
        else File.Move(next, _path);
#else
        File.Move(next, _path, overwrite: true);
#endif
    }
}
