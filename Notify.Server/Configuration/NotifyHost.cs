using Notify.Storage;

namespace Notify.Server.Configuration;

/// <summary>
/// Whose process the service runs in. In its own it is all there is: it has the names that deployments use for settings, and a
/// failure that nothing mends ends the process. In a hosting app it is a guest: what is not below <c>Notify:</c> is not read, and
/// the app goes on whatever happens to the service.
/// </summary>
/// <param name="IsOwnProcess">The service's own program.</param>
/// <param name="PostgresSetting">The setting of the Postgres connection string.</param>
/// <param name="RedisSetting">The setting of the Redis configuration.</param>
internal sealed record NotifyHost(bool IsOwnProcess, string PostgresSetting, string RedisSetting)
{
    public static readonly NotifyHost OwnProcess = new(true, OwnPostgres, "ConnectionStrings:Redis");

    public static readonly NotifyHost App = new(false, "Notify:Postgres", "Notify:Redis");

    // As the storage calls it: it does not know where its options come from.
    private const string OwnPostgres = "ConnectionStrings:Postgres";

    /// <summary>Set by the service's own program before it adds the service; otherwise the host is an app.</summary>
    public static NotifyHost Of(IServiceCollection services) =>
        services.LastOrDefault(service => service.ServiceType == typeof(NotifyHost))?.ImplementationInstance as NotifyHost ?? App;

    /// <summary>What the storage says, with the setting's name as it is here.</summary>
    public StorageMisconfiguredException Named(StorageMisconfiguredException mistake) =>
        new(mistake.Message.Replace(OwnPostgres, PostgresSetting, StringComparison.Ordinal), mistake.InnerException);
}
