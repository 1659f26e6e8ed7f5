using System.Text;
using Notify.Server.Configuration;

namespace Notify.Server.Hosting;

/// <summary><c>--help</c>: what the process can be told on its command line.</summary>
internal static class HelpCommand
{
    private static readonly string[] Names = ["--help", "-h", "-?"];

    private static readonly (string Key, string Allowed)[] OfTheProcess =
    [
        ("Urls", $"where to listen, such as {ListenAddresses.Default}"),
        ("ConnectionStrings:Postgres", "such as Host=db;Database=notify;Username=notify;Password=…"),
        ("ConnectionStrings:Redis", "such as redis:6379,password=…"),
    ];

    public static bool IsAsked(string[] args) => args.Any(argument => Names.Contains(argument, StringComparer.OrdinalIgnoreCase));

    public static string Text()
    {
        var text = new StringBuilder($"""
            Notify, a self-hosted notification service on ASP.NET Core SignalR.

              dotnet Notify.Server.dll [settings]              runs the service
              dotnet Notify.Server.dll {NewEpochCommand.Name} [settings]    after a logical restore, while the service is stopped:
                                                               begins a new life of the log and prints its epoch
              dotnet Notify.Server.dll {MoveSchemaCommand.Name} [settings]  once, while every node is stopped: takes what an earlier version
                                                               made, often in public, into the schema Notify:Storage:Schema

            Settings are written --Notify:Retention:MaxAge=7.00:00:00, as a variable Notify__Retention__MaxAge=7.00:00:00, or in
            appsettings.json. What they mean and their defaults are in README.md.


            """);
        foreach (var (key, allowed) in OfTheProcess.Concat(NotifySettings.Describe())) text.AppendLine($"  {key,-36} {allowed}");
        return text.ToString();
    }
}
