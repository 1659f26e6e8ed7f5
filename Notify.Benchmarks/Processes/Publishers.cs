using System.Globalization;
using Notify.Benchmarks.Load;

namespace Notify.Benchmarks.Processes;

/// <summary>The publisher process.</summary>
internal sealed class Publishers : IAsyncDisposable
{
    private readonly LoadProcess<PublisherReport> _process;

    private Publishers(LoadProcess<PublisherReport> process) => _process = process;

    public static async Task<Publishers> StartAsync(PublisherOptions options) =>
        new(await LoadProcess<PublisherReport>.StartAsync(options.ToArguments()));

    /// <summary>Closed loops for so long.</summary>
    public Task<PublisherReport> RunAsync(double seconds) => AskAsync($"run {seconds}");

    /// <summary>Closed loops until so many notifications are published.</summary>
    public Task<PublisherReport> RunCountAsync(long count) => AskAsync($"count {count}");

    /// <summary>A steady rate.</summary>
    public Task<PublisherReport> RunRateAsync(double perSecond, double seconds) => AskAsync($"rate {perSecond} {seconds}");

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private Task<PublisherReport> AskAsync(FormattableString command) =>
        _process.AskAsync<PublisherReport>(command.ToString(CultureInfo.InvariantCulture));
}
