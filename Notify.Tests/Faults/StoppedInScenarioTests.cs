using Notify.Storage;
using Notify.Storage.Log;
using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>What the suite says when a node has stopped, which no fault is meant to bring about.</summary>
[Collection(nameof(FaultStages))]
public class StoppedInScenarioTests
{
    [Fact]
    public async Task A_scenario_that_fails_says_how_its_nodes_have_stopped()
    {
        Assert.SkipWhen(FaultForm.IsLong, "The long form runs the faults only.");
        await using var stage = await FaultStage.StartAsync(nodes: 1);
        var fault = new Fault("an entry that no node knows", UnknownEntryAsync);
        var failure = await Assert.ThrowsAsync<InvalidOperationException>(() => Scenario.RunAsync(stage, fault, seed: 1, FaultForm.Bound));

        var lines = failure.Message.Split('\n');
        Assert.StartsWith("The fault ends here.", lines[0], StringComparison.Ordinal);
        Assert.StartsWith($"  The node at {stage.Nodes[0].Server.Url} ended with ", lines[1], StringComparison.Ordinal);
        var critical = Array.FindIndex(lines, line => line.StartsWith("    crit: ", StringComparison.Ordinal));
        Assert.Contains("kind 99", lines[critical + 1], StringComparison.Ordinal);
    }

    // Of a program of another version, without a word to the node, which stops when it reads it.
    private static async Task UnknownEntryAsync(Ground ground)
    {
        var storage = new StorageOptions { Postgres = PostgresCluster.ConnectionString(ground.Stage.Database, ground.Stage.Postgres.Port) };
        await using (var log = await LogStore.OpenAsync(storage, TestContext.Current.CancellationToken))
        {
            var entry = new NewEntry { Id = Guid.CreateVersion7(), Kind = (EntryKind)99, Topic = "people", Content = "{}"u8.ToArray() };
            await log.AppendAsync(new AppendBatch(Guid.NewGuid(), [entry]), TestContext.Current.CancellationToken);
        }

        await Eventually.TrueAsync(() => ground.Stage.Nodes[0].Server.HasExited, "the node stops");
        Assert.Fail("The fault ends here.");
    }
}
