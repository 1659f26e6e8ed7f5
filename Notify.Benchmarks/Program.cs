using Notify.Benchmarks.Load;
using Notify.Benchmarks.Micro;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Peers;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Workloads;

var line = new Arguments(args);
try
{
    switch (line.Command)
    {
        // The roles: processes that the workloads start.
        case "subscriber":
            using (var role = new SubscriberRole(SubscriberOptions.Of(line))) role.Run();
            return 0;
        case "stalled":
            using (var role = new StalledRole(SubscriberOptions.Of(line))) role.Run();
            return 0;
        case "publisher":
            using (var role = new PublisherRole(PublisherOptions.Of(line))) role.Run();
            return 0;
        case "stock-server":
            StockPeer.Run(line);
            return 0;
        case "raw-server":
            RawPeer.Run(line);
            return 0;

        case "micro":
            MicroBenchmarks.Run(args[1..]);
            return 0;
        default:
            return await WorkloadCommand.RunAsync(line);
    }
}
catch (Exception mistake) when (mistake is ArgumentException or MissingProgramException)
{
    await Console.Error.WriteLineAsync(mistake.Message);
    return 2;
}
