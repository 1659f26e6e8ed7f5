using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using Notify.Engine.Configuration;
using Notify.Engine.Publishing;
using Notify.Storage.Log;

namespace Notify.Tests.Publishing;

public sealed class AppendLoopTests
{
    [Fact]
    public async Task Delivery_has_the_entries_before_their_publishers_are_answered()
    {
        await using var services = new ServiceCollection().AddMetrics().BuildServiceProvider();
        using var turn = new AppendTurn();
        using var queue = new PublishQueue(new LimitSettings(), TimeProvider.System);
        var publishes = Enumerable.Range(0, 3)
            .Select(_ => new PendingPublish([new NewEntry { Id = Guid.CreateVersion7(), Topic = "t", Content = "{}"u8.ToArray() }], 0)).ToArray();
        var answered = new List<bool>();
        var delivery = new HandedOver { Taking = () => answered.AddRange(publishes.Select(publish => publish.Task.IsCompleted)) };
        var loop = new AppendLoop(
            queue, new ListLog(), delivery, turn, new LimitSettings(), new PublishingMetrics(services.GetRequiredService<IMeterFactory>()),
            TimeProvider.System, NullLogger.Instance);
        foreach (var publish in publishes) Assert.Null(queue.TryAdd(publish));
        queue.Close();
        await loop.RunAsync(TestContext.Current.CancellationToken);

        Assert.Equal([false, false, false], answered);
        Assert.Equal([1, 2, 3], delivery.Stored.Select(entry => entry.Version));
        Assert.All(publishes, publish => Assert.True(publish.Task.IsCompletedSuccessfully));
    }
}
