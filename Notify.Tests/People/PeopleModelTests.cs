using System.Globalization;
using Notify.Tests.Fixtures;

namespace Notify.Tests.People;

/// <summary>
/// Members come and go under traffic, on two nodes, with connections that are cut and nodes that are restarted; afterwards the log and the
/// directory say, for every user and version, whether it was to come. <c>NOTIFY_PEOPLE=long</c> runs many seeds, each longer;
/// <c>NOTIFY_PEOPLE_SEED</c> repeats one.
/// </summary>
public sealed class PeopleModelTests(PostgresCluster cluster)
{
    private static readonly bool IsLong = Environment.GetEnvironmentVariable("NOTIFY_PEOPLE") == "long";

    [Fact]
    public async Task Everybody_gets_what_was_published_while_it_was_theirs_and_nothing_else()
    {
        var given = Environment.GetEnvironmentVariable("NOTIFY_PEOPLE_SEED");
        var first = given is null ? Random.Shared.Next(1, 1_000_000) : int.Parse(given, CultureInfo.InvariantCulture);
        for (var seed = first; seed < first + (IsLong && given is null ? 100 : 1); seed++)
        {
            await using var run = await ModelRun.StartAsync(cluster.ConnectionString(await cluster.CreateDatabaseAsync()), seed);
            await run.GoAsync(changes: IsLong ? 400 : 120);
            var findings = await run.JudgeAsync();
            Assert.True(findings.Count == 0, $"NOTIFY_PEOPLE_SEED={seed}: {findings.Count} findings\n{string.Join('\n', findings.Take(25))}");
        }
    }
}
