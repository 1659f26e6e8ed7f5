using System.Globalization;
using Notify.Benchmarks.Load;

namespace Notify.Benchmarks.Processes;

/// <summary>The subscriber process, all of its connections ready.</summary>
internal sealed class Subscribers : IAsyncDisposable
{
    private readonly LoadProcess<SubscriberReady> _process;

    private Subscribers(LoadProcess<SubscriberReady> process) => _process = process;

    public SubscriberReady Ready => _process.Ready;

    public static async Task<Subscribers> StartAsync(SubscriberOptions options) =>
        new(await LoadProcess<SubscriberReady>.StartAsync(options.ToArguments()));

    /// <summary>From now on bodies begin with the time of their publish.</summary>
    /// <param name="every">Each connection reads it, or one in so many.</param>
    public Task ExpectStampsAsync(int every = 1) => _process.SayAsync("stamped " + every.ToString(CultureInfo.InvariantCulture));

    /// <summary>Waits for so many deliveries since the last report.</summary>
    public Task<SubscriberReport> ReportAsync(long expected) =>
        _process.AskAsync<SubscriberReport>("report " + expected.ToString(CultureInfo.InvariantCulture));

    public ValueTask DisposeAsync() => _process.DisposeAsync();
}
