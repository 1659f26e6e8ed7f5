using Notify.Tests.Fixtures;

namespace Notify.Tests.EndToEnd;

public class ManyResumesTests
{
    private const int Resumes = 300;

    // Each resume lands at another moment between ring, storage and live delivery: this is where a seam would show.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_client_that_comes_and_goes_300_times_under_a_steady_publisher_gets_every_version_once_and_in_order(bool messagePack)
    {
        await using var server = await ServerProcess.StartAsync();
        using var stop = new CancellationTokenSource();
        var publishing = PublishSteadilyAsync(server, stop.Token);

        List<long> received = [];
        (long Since, string? Epoch) at = (0, null);
        for (var i = 0; i < Resumes; i++)
        {
            await using var follower = new StockFollower(server.Url, messagePack);
            at.Epoch = (await follower.ResumeAsync(at.Since, at.Epoch, "steady/#")).Epoch;
            await follower.Received.CountAsync(1 + (i % 3));
            // Half of them leave without a goodbye. What arrives after this line is as if it had been lost on the way.
            if (i % 2 == 0) follower.Abort();
            received.AddRange(follower.Received.Items.Select(n => n.Version!.Value));
            at.Since = received[^1];
            Assert.Empty(follower.Gaps.Items);
        }

        await stop.CancelAsync();
        var published = await publishing;
        await using var last = new StockFollower(server.Url, messagePack);
        await last.ResumeAsync(at.Since, at.Epoch, "steady/#");
        await last.CaughtUp.CountAsync(1);
        received.AddRange(last.Received.Items.Select(n => n.Version!.Value));

        Assert.Equal(published, received);
    }

    private static async Task<List<long>> PublishSteadilyAsync(ServerProcess server, CancellationToken stop)
    {
        var versions = new List<long>();
        for (var i = 0; !stop.IsCancellationRequested; i++) versions.Add(await server.PublishAsync($"steady/{i % 7}", $"{i}"));
        return versions;
    }
}
