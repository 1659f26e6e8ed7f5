using System.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Notify.Server.Hosting;
using Notify.Tests.Faults.Breaking;
using Notify.Tests.Faults.Checking;
using Notify.Tests.Faults.Traffic;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults.Members;

/// <summary>The checker of members on a product that forgets when memberships begin, or that they end.</summary>
public class BrokenMembersTests(PostgresCluster postgres)
{
    private const int Changes = 60;

    /// <summary>What has not come by then is missing, from a product that forgets something.</summary>
    private static readonly TimeSpan Missing = TimeSpan.FromSeconds(5);

    [Theory]
    [InlineData("nothing")]
    [InlineData("ends")]
    [InlineData("beginnings")]
    public async Task It_says_what_is_wrong_without(string what)
    {
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs the faults only.");
        var database = postgres.ConnectionString(await postgres.CreateDatabaseAsync());
        await using var one = await BrokenNode.StartAsync(database, Break);
        await using var other = await BrokenNode.StartAsync(database, Break);
        var clock = Stopwatch.StartNew();
        await using var traffic = new MemberTraffic([one.Url, other.Url], () => clock.Elapsed, () => new Recorder(clock), new Random(FaultCatalog.Seed()));
        await traffic.StartAsync("broken");
        await Eventually.TrueAsync(() => traffic.Changes.Count >= Changes, "enough changes");
        var findings = MemberChecker.Check(await traffic.StopAsync([], what == "nothing" ? Eventually.Patience : Missing));
        if (what == "nothing") Assert.Empty(findings);
        else Assert.Contains(findings, finding => finding.Verdict == (what == "ends" ? Verdict.NotForThem : Verdict.Lost));

        void Break(IServiceCollection services)
        {
            if (what == "nothing") return;
            var opener = services.Last(descriptor => descriptor.ServiceType == typeof(LogOpener));
            services.AddSingleton<LogOpener>(provider =>
            {
                var open = (LogOpener)(opener.ImplementationInstance ?? opener.ImplementationFactory!(provider));
                return async cancellationToken => new ForgetfulLog(await open(cancellationToken), ends: what == "ends");
            });
        }
    }
}
