namespace Notify.Tests.Fixtures;

/// <summary>Finds Debian's Chromium, or another one by its usual names, in PATH.</summary>
internal static class ChromiumPage
{
    public static string Executable { get; } = Find()
        ?? throw new InvalidOperationException("The browser tests need Chromium in PATH: apt-get install chromium.");

    private static string? Find() =>
        (from name in new[] { "chromium", "chromium-browser", "google-chrome" }
         from folder in (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
         let file = Path.Combine(folder, name)
         where File.Exists(file)
         select file).FirstOrDefault();
}
