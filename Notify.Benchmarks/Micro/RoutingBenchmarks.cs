using BenchmarkDotNet.Attributes;
using Notify.Contracts.Topics;
using Notify.Engine.Delivery.Routing;
using Notify.Engine.Delivery.Sessions;

namespace Notify.Benchmarks.Micro;

/// <summary>The followers of a topic, among filters that do not match: the cost must not grow with them.</summary>
[MemoryDiagnoser]
public class RoutingBenchmarks
{
    private readonly List<int> _matches = [];
    private readonly Router _router = new();
    private FilterIndex _index = null!;

    [Params(0, 1_000, 100_000)]
    public int OtherFilters { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _index = new FilterIndex();
        foreach (var filter in (string[])["orders/eu/42", "orders/+/42", "orders/#"]) Add(filter);
        for (var i = 0; i < OtherFilters; i++) Add(i % 2 == 0 ? $"other/{i}/+" : $"other/{i}");
    }

    [Benchmark]
    public int Match()
    {
        _matches.Clear();
        _index.Match("orders/eu/42", _matches);
        return _matches.Count;
    }

    private void Add(string filter) => _index.Add(_index.Number(Parsed.Filter(filter)), new Interests(null!, _router));
}
