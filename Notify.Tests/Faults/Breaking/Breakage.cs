using Microsoft.Extensions.DependencyInjection;
using Notify.Engine.Cluster.Backplanes;
using Notify.Engine.Delivery.Sessions;
using Notify.Server.Hosting;
using Notify.Storage.Log;
using Notify.Tests.Faults.Checking;

namespace Notify.Tests.Faults.Breaking;

/// <summary>A part of the product that is switched off, and what the checker must say then.</summary>
/// <param name="Name">As in the tests' names.</param>
/// <param name="Apply">Replaces its registration.</param>
/// <param name="Expected">Null: nothing, since the rest makes up for it.</param>
internal sealed record Breakage(string Name, Action<IServiceCollection> Apply, Verdict? Expected)
{
    public static IReadOnlyList<Breakage> All { get; } =
    [
        new("nothing", _ => { }, null),
        new("hints of other nodes lost", LoseHints, null),
        new("ordering", services =>
            Replace<SessionOpener>(services, open => (id, sink, user, device) => open(id, new OvertakingSink(sink), user, device)), Verdict.Reordered),
        new("de-duplication of deliveries", services =>
            Replace<SessionOpener>(services, open => (id, sink, user, device) => open(id, new RepeatingSink(sink), user, device)), Verdict.Duplicated),
        new("de-duplication of publishes", services => ReplaceLog(services, log => new KeylessLog(log)), Verdict.KeyTwice),
        new("repair, and hints lost", services => { LoseHints(services); ReplaceLog(services, log => new UnreadLog(log)); }, Verdict.Lost),
    ];

    private static void LoseHints(IServiceCollection services) => Replace<IBackplane>(services, backplane => new LossyCarrier(backplane));

    private static void ReplaceLog(IServiceCollection services, Func<INotificationLog, INotificationLog> with) =>
        Replace<LogOpener>(services, open => async cancellationToken => with(await open(cancellationToken)));

    /// <summary>Puts something around what was registered.</summary>
    private static void Replace<T>(IServiceCollection services, Func<T, T> with)
        where T : class
    {
        var whole = services.Last(descriptor => descriptor.ServiceType == typeof(T));
        services.AddSingleton(provider => with((T)(
            whole.ImplementationInstance
            ?? whole.ImplementationFactory?.Invoke(provider)
            ?? ActivatorUtilities.CreateInstance(provider, whole.ImplementationType!))));
    }
}
