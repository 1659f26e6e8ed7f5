using System.Text.Json;
using Notify.Client;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Client;

public sealed class FileCursorStoreTests : IDisposable
{
    private readonly TempFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_cursor_outlives_the_process_and_leaves_nothing_else_behind()
    {
        var path = _folder.File("deep/er/at.json");
        Assert.Null(await new FileCursorStore(path).LoadAsync(Token));
        await new FileCursorStore(path).SaveAsync(new Cursor(1, "e"), Token);
        await new FileCursorStore(path).SaveAsync(new Cursor(1042, "e2"), Token);
        Assert.Equal(new Cursor(1042, "e2"), await new FileCursorStore(path).LoadAsync(Token));
        Assert.Equal(["at.json"], Directory.GetFiles(Path.GetDirectoryName(path)!).Select(Path.GetFileName));
    }

    [Theory]
    [InlineData("")]
    [InlineData("{}")]
    [InlineData("""{"since":1""")]
    public async Task A_file_that_is_no_cursor_is_not_taken_for_no_file(string content)
    {
        var path = _folder.File("at.json");
        await File.WriteAllTextAsync(path, content, Token);
        await Assert.ThrowsAsync<JsonException>(async () => await new FileCursorStore(path).LoadAsync(Token));
    }

    private static CancellationToken Token => TestContext.Current.CancellationToken;
}
