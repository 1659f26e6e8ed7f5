using System.Reflection;

namespace Notify.Server.Hosting;

/// <summary><c>--version</c>: which build this is.</summary>
internal static class VersionCommand
{
    public static bool IsAsked(string[] args) => CommandLine.Has(args, "--version");

    public static string Text() => typeof(VersionCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion;
}
