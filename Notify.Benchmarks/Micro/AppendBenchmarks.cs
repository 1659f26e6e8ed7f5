using System.Text;
using BenchmarkDotNet.Attributes;
using Notify.Storage.Log;
using Notify.Storage.Postgres;

namespace Notify.Benchmarks.Micro;

/// <summary>Building an append: the entries of a batch by column, with the topics known.</summary>
[MemoryDiagnoser]
public class AppendBenchmarks
{
    private readonly PostgresTopics _topics = new();
    private readonly PostgresAppendColumns _columns = new();
    private NewEntry[] _entries = [];

    [Params(64, 500)]
    public int Entries { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        const int Topics = 100;
        for (var i = 0; i < Topics; i++) _topics.Add($"orders/{i}", new PostgresTopic(i, 0));
        var content = Encoding.UTF8.GetBytes($$"""{"body":"{{new string('x', 256)}}","priority":"normal"}""");
        _entries = [.. Enumerable.Range(0, Entries)
            .Select(i => new NewEntry { Id = Guid.CreateVersion7(), Topic = $"orders/{i % Topics}", Content = content })];
    }

    [Benchmark]
    public long Build()
    {
        _columns.Fill(_entries, _topics);
        return _columns.SequencesAfter(_columns.Sequences)[^1];
    }
}
