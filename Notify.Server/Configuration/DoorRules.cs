using Notify.Engine.Configuration;
using Notify.Server.Hosting;

namespace Notify.Server.Configuration;

/// <summary>Who is let in: nothing starts with a door open that somebody believes shut.</summary>
internal static class DoorRules
{
    /// <summary>Whether a setting can only stop the start: what a later version knows is named when it is used, and not offered.</summary>
    public static bool Refuses(string key) => key is "Auth:SigningKey" or "Auth:Authority" or "Auth:Issuer" or "Auth:Audience";

    public static void Check(NotifyOptions options, IHostEnvironment environment, NotifyHost host)
    {
        var auth = options.Auth;
        var token = (auth.SigningKey, auth.Authority, auth.Issuer, auth.Audience) switch
        {
            ({ }, _, _, _) => nameof(auth.SigningKey),
            (_, { }, _, _) => nameof(auth.Authority),
            (_, _, { }, _) => nameof(auth.Issuer),
            (_, _, _, { }) => nameof(auth.Audience),
            _ => null,
        };
        if (token is not null) throw new SettingsException($"The setting Notify:Auth:{token} is set, but this version does not know tokens: remove it, and keep the service behind a proxy that checks who calls.");
        if (auth.IsOpenDevelopment || auth.AllowAnonymous) return;
        if (!host.IsOwnProcess) throw new SettingsException("Everybody who reaches this app could publish and read: set Notify:Auth:AllowAnonymous to true if that is meant, or Notify:Auth:OpenInDevelopment to true to try it out in Development on this machine.");
        throw new SettingsException($"In the environment '{environment.EnvironmentName}' everybody who reaches this service could publish and read: set Notify:Auth:AllowAnonymous to true if that is meant, or ASPNETCORE_ENVIRONMENT to Development to try it out on this machine.");
    }
}
