using Microsoft.Extensions.Configuration.Json;
using Microsoft.Extensions.FileProviders;

namespace Notify.Server.Configuration;

/// <summary>
/// The appsettings.json beside the program, below every other source: a service that is started from anywhere has its
/// own settings, and those of the current directory, the environment and the command line override them as usual.
/// </summary>
internal static class OwnSettingsFile
{
    private const string Name = "appsettings.json";

    public static void AddTo(IConfigurationBuilder configuration) => configuration.Sources.Insert(0, new JsonConfigurationSource
    {
        FileProvider = new PhysicalFileProvider(AppContext.BaseDirectory),
        Path = Name,
        Optional = true,
    });
}
