using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;

namespace Notify.Benchmarks.Micro;

/// <summary>The inner loops under BenchmarkDotNet, in this process: it need not build a project of its own.</summary>
internal static class MicroBenchmarks
{
    public static void Run(string[] arguments) => BenchmarkSwitcher
        .FromTypes([typeof(FilterBenchmarks), typeof(RoutingBenchmarks), typeof(FrameBenchmarks), typeof(PublishBenchmarks), typeof(AppendBenchmarks)])
        .Run(arguments.Length == 0 ? ["--filter", "*"] : arguments, ManualConfig.Create(DefaultConfig.Instance)
            .AddJob(Job.ShortRun.WithToolchain(InProcessEmitToolchain.Instance)));
}
