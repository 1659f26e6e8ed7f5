using Notify.Contracts.Topics;
using Notify.Engine.Configuration;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;
using Notify.Engine.Directory;
using Notify.Engine.Tail;
using Notify.Storage.Log;

namespace Notify.Tests.Delivery;

/// <summary>What the heap of the process has is everybody's: nothing else runs meanwhile.</summary>
[CollectionDefinition(nameof(UserCostTests), DisableParallelization = true)]
public sealed class WholeHeap;

/// <summary>A node holds ten thousand users with twenty groups and five durable subscriptions each.</summary>
[Collection(nameof(UserCostTests))]
public class UserCostTests(ITestOutputHelper output)
{
    private const int Users = 10_000;
    private const int Groups = 100_000;

    /// <summary>The goal is 1,024, and it is 961; what else the process does moves the heap by a few hundred kilobytes.</summary>
    private const int MostBytes = 1280;

    /// <summary>One group is everybody's, a group has two of the users, and nobody else has the subscriptions.</summary>
    [Fact]
    public void A_user_with_twenty_groups_and_five_durable_subscriptions_takes_little_more_than_one_without()
    {
        var (without, with) = (BytesOf(static _ => []), BytesOf(Followed));
        output.WriteLine($"{without:N0} bytes without, {with:N0} with");
        Assert.InRange(with - without, 0, MostBytes);
    }

    private static IEnumerable<UserInterest> Followed(int user)
    {
        yield return Member("everybody");
        for (var i = 1; i < 20; i++) yield return Member($"g{(user * 37 + i * 101) % Groups:00000000}");
        for (var i = 0; i < 5; i++) yield return new UserInterest(InterestKind.Durable, TopicFilter.Exact($"followed/{user}/{i}"), 7);

        static UserInterest Member(string group) => new(InterestKind.Membership, TopicFilter.Exact(TopicName.OfGroup(group)), 3);
    }

    private static double BytesOf(Func<int, IEnumerable<UserInterest>> follow)
    {
        var view = new LogView(new LogHead(Guid.NewGuid(), 9, 1), new Ring(10, 100, 1_000_000));
        var (router, connected) = (new Router(), new ConnectedUsers());
        var sessions = new DeliverySession[Users];
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 0; i < Users; i++)
        {
            var session = sessions[i] = new DeliverySession(new RecordingSink(), router, null!, new LimitSettings()) { User = $"u{i}" };
            var reading = new IntervalReading(view.EpochId, 9, [.. follow(i)]);
            var own = TopicFilter.Exact(TopicName.OfUser(session.User!));
            var beginning = new SessionBeginning(view, 9, IsForeign: false) { NamedFrom = 9, Own = own, Reading = reading };
            connected.BeginReading(session);
            connected.TryInstall(session, i + 1, reading, () => session.TryResume(beginning));
        }

        Assert.Equal(follow(7).Count(), sessions[7].Groups.Count + sessions[7].Durable.Count);
        var bytes = GC.GetTotalMemory(forceFullCollection: true) - before;
        GC.KeepAlive((router, connected, sessions));
        return bytes / (double)Users;
    }
}
