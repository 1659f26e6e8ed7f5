using System.Text;
using Notify.Server.Configuration;

namespace Notify.Server.Hosting;

/// <summary><c>--help</c>: what the process can be told on its command line.</summary>
internal static class HelpCommand
{
    private static readonly string[] Names = ["--help", "-h", "-?"];

    public static bool IsAsked(string[] args) => CommandLine.Has(args, Names);

    public static string Text()
    {
        var text = new StringBuilder($"""
            Notify, a self-hosted notification service on ASP.NET Core SignalR.

              dotnet Notify.Server.dll [settings]              runs the service
              dotnet Notify.Server.dll {CreateKeyCommand.Name} --name ops [--admin] [--publish F]… [--subscribe F]… [--expires 90d] [settings]
                                                               stores a new API key and prints it
              dotnet Notify.Server.dll {TokenCommand.Name} --user alice [--admin] [--publish F]… [--subscribe F]… [--for 1h] [settings]
                                                               prints a token signed with Notify:Auth:SigningKey
              dotnet Notify.Server.dll {NewEpochCommand.Name} [settings]    after a logical restore, while the service is stopped:
                                                               begins a new epoch of the log and prints it
              dotnet Notify.Server.dll {MoveSchemaCommand.Name} [settings]  once, while every node is stopped: takes what an earlier version
                                                               made, often in public, into the schema Notify:Storage:Schema
              dotnet Notify.Server.dll --version               says which build this is

            Settings are written --Notify:Retention:MaxAge=7.00:00:00, as a variable Notify__Retention__MaxAge=7.00:00:00, or in
            appsettings.json. What they mean and their defaults are in docs/settings.md.


            """);
        foreach (var (key, allowed) in ProcessSettings.Describe().Concat(NotifySettings.Describe())) text.AppendLine($"  {key,-36} {allowed}");
        return text.ToString();
    }
}
