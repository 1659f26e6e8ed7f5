using Notify.Tests.Faults.Breaking;
using Notify.Tests.Faults.Checking;
using Notify.Tests.Faults.Traffic;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>The checker on a product with a part switched off: it must turn red with the right word, and only then.</summary>
public class BrokenProductTests(PostgresCluster postgres)
{
    private const int Acked = 400;

    /// <summary>What has not come by then is missing, from a product that loses something.</summary>
    private static readonly TimeSpan Missing = TimeSpan.FromSeconds(5);

    public static TheoryData<string> Breakages => [.. Breakage.All.Select(breakage => breakage.Name)];

    [Theory]
    [MemberData(nameof(Breakages))]
    public async Task It_says_what_is_wrong_without(string breakage)
    {
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs the faults only.");
        var (_, breakIt, expected) = Breakage.All.Single(known => known.Name == breakage);
        var database = postgres.ConnectionString(await postgres.CreateDatabaseAsync());
        await using var one = await BrokenNode.StartAsync(database, breakIt);
        await using var other = await BrokenNode.StartAsync(database, breakIt);
        var result = Checker.Check(await HistoryAsync([one.Url, other.Url], expected is null ? Eventually.Patience : Missing));

        if (expected is { } verdict) Assert.True(result.Count(verdict) > 0, $"No {verdict}:\n{string.Join('\n', result.Findings)}");
        else Assert.Empty(result.Findings);
    }

    private static async Task<History> HistoryAsync(Uri[] nodes, TimeSpan patience)
    {
        await using var door = new TcpSwitch(nodes);
        await using var crowd = new Crowd(nodes, door.Url, new Random(FaultCatalog.Seed()));
        await crowd.StartAsync("broken");
        await crowd.AckedMoreAsync(Acked);
        await crowd.StopPublishingAsync(patience);
        var published = crowd.Published.ToList();
        await crowd.ReceiveAsync([.. published.Where(it => it.Acks.Count > 0)], patience);
        return new History(published, await crowd.LeaveAsync());
    }
}
