using System.Reflection;

namespace Notify.Tests.Fixtures;

/// <summary>Where things are on this machine: the build writes it into the assembly, so nobody guesses from the working directory.</summary>
internal static class Repository
{
    /// <summary>The folder that holds <c>Notify.sln</c>.</summary>
    public static string Root { get; } = Path.GetFullPath(Metadata("RepositoryRoot"));

    /// <summary>The server's program, as it was built with these tests.</summary>
    public static string ServerDll { get; } = Path.GetFullPath(Metadata("ServerDll"));

    /// <summary>The example of an app that hosts the service.</summary>
    public static string ExampleAppDll { get; } = Path.GetFullPath(Metadata("ExampleAppDll"));

    /// <summary>The example of .NET clients.</summary>
    public static string DotnetClientsDll { get; } = Path.GetFullPath(Metadata("DotnetClientsDll"));

    /// <summary>The example of an app host of Aspire.</summary>
    public static string AspireHostDll { get; } = Path.GetFullPath(Metadata("AspireHostDll"));

    /// <summary>Where tests leave what a person may want to look at. Not in Git.</summary>
    public static string TestResults => Directory.CreateDirectory(Path.Combine(Root, "TestResults")).FullName;

    /// <summary>The sources in C#, without generated ones.</summary>
    public static IEnumerable<string> SourceFiles() => Directory.EnumerateDirectories(Root)
        .Where(folder => Path.GetFileName(folder) is var name && (name.StartsWith("Notify.", StringComparison.Ordinal) || name is "examples"))
        .SelectMany(folder => Directory.EnumerateFiles(folder, "*.cs", SearchOption.AllDirectories))
        .Where(file => !file.Split(Path.DirectorySeparatorChar).Any(part => part is "bin" or "obj" or "Migrations" or "node_modules"));

    private static string Metadata(string key) =>
        typeof(Repository).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;
}
