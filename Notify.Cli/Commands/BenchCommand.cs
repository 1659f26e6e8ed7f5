using System.Collections.Concurrent;
using System.CommandLine;
using System.Diagnostics;
using Notify.Client;
using Notify.Contracts.Publishing;
using Spectre.Console;

namespace Notify.Cli.Commands;

/// <summary><c>bench</c>: a quick figure of this service from here: publishes, and the time until a follower has them.</summary>
internal static class BenchCommand
{
    public static Command Make(CliConsole console)
    {
        Option<int> count = new("--count", "-n") { Description = "How many to publish.", DefaultValueFactory = _ => 1000 };
        Option<int> publishers = new("--publishers", "-p") { Description = "How many publish at the same time.", DefaultValueFactory = _ => 8 };
        Option<string> topic =
            new("--topic") { Description = "Where to; they stay there until retention drops them.", DefaultValueFactory = _ => "notify-bench" };
        Option<int> size = new("--size") { Description = "Bytes of each body.", DefaultValueFactory = _ => 100 };
        var command = new Command("bench", "Measures publishing and delivery, quickly.") { count, publishers, topic, size };
        command.SetCall(console, async (call, token) =>
        {
            var (total, parallel) = (call.Get(count), call.Get(publishers));
            if (total < 1 || parallel < 1 || call.Get(size) < 1) throw new UsageException("--count, --publishers and --size are at least 1.");
            var measured = call.Results.Json || !call.Console.Colors // a bar moves only where lines can be written over
                ? await MeasureAsync(call, total, parallel, call.Get(topic)!, call.Get(size), () => { }, token)
                : await ProgressAsync(call, total, step => MeasureAsync(call, total, parallel, call.Get(topic)!, call.Get(size), step, token));
            call.Results.One(measured);
            return ExitCodes.Done;
        });
        return command;
    }

    private static Task<Figures> ProgressAsync(CliCall call, int total, Func<Action, Task<Figures>> measure) =>
        call.Console.Ansi(call.Console.Error).Progress().AutoClear(true).StartAsync(async progress =>
    {
        var task = progress.AddTask("published and received", maxValue: total);
        return await measure(() => task.Increment(1));
    });

    private static async Task<Figures> MeasureAsync(CliCall call, int total, int parallel, string topic, int size, Action received, CancellationToken token)
    {
        await using var follower = new NotifyClient(call.ClientOptions with { Topics = [topic], BufferSize = 100_000 });
        await follower.StartAsync(token);
        var sent = new ConcurrentDictionary<string, long>(StringComparer.Ordinal);
        var (publishing, delivery) = (new List<double>(total), new List<double>(total));
        var all = Task.Run(
            async () =>
            {
                await foreach (var notification in follower.Notifications.WithCancellation(token))
                {
                    if (notification.Type is not { } id || !sent.TryGetValue(id, out var began)) continue;
                    delivery.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
                    received();
                    if (delivery.Count == total) return;
                }
            },
            token);
        var (publisher, body, run) = (new NotifyPublisher(call.Http), new string('x', size), Guid.NewGuid().ToString("N")[..8]);
        var start = Stopwatch.GetTimestamp();
        await Parallel.ForEachAsync(Enumerable.Range(0, total), new ParallelOptions { MaxDegreeOfParallelism = parallel, CancellationToken = token },
            async (i, cancel) =>
        {
            var began = sent[$"{run}-{i}"] = Stopwatch.GetTimestamp();
            await publisher.PublishAsync(new PublishRequest { Topic = topic, Type = $"{run}-{i}", Body = body, TtlSeconds = 3600 }, cancel);
            lock (publishing) publishing.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        });
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        await all.WaitAsync(TimeSpan.FromMinutes(1), token);
        return new Figures(total, Math.Round(total / seconds), At(publishing, 0.5), At(publishing, 0.99), At(delivery, 0.5), At(delivery, 0.99));
    }

    private static double At(List<double> values, double part)
    {
        values.Sort();
        return Math.Round(values[(int)((values.Count - 1) * part)], 2);
    }

    private sealed record Figures(int Published, double PerSecond, double PublishMs50, double PublishMs99, double DeliveryMs50, double DeliveryMs99);
}
