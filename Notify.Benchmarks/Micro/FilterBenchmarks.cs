using BenchmarkDotNet.Attributes;
using Notify.Contracts.Topics;

namespace Notify.Benchmarks.Micro;

/// <summary>One filter against one topic.</summary>
[MemoryDiagnoser]
public class FilterBenchmarks
{
    private TopicFilter _filter = null!;

    [Params("orders/eu/42", "orders/+/42", "orders/#")]
    public string Filter { get; set; } = "";

    [GlobalSetup]
    public void Setup() => _filter = Parsed.Filter(Filter);

    [Benchmark]
    public bool Matches() => _filter.Matches("orders/eu/42");
}
