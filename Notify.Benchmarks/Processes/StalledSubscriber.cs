using Notify.Benchmarks.Load;

namespace Notify.Benchmarks.Processes;

/// <summary>The process of the client that takes nothing.</summary>
internal sealed class StalledSubscriber : IAsyncDisposable
{
    private readonly LoadProcess<StalledReport> _process;

    private StalledSubscriber(LoadProcess<StalledReport> process) => _process = process;

    public static async Task<StalledSubscriber> StartAsync(SubscriberOptions options) =>
        new(await LoadProcess<StalledReport>.StartAsync(["stalled", .. options.ToArguments()[1..]]));

    public Task<StalledReport> ReportAsync() => _process.AskAsync<StalledReport>("report");

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
