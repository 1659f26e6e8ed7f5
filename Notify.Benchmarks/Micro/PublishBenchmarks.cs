using System.Text;
using BenchmarkDotNet.Attributes;
using Notify.Engine.Publishing;

namespace Notify.Benchmarks.Micro;

/// <summary>What a publish costs before it waits to be stored: from a request's bytes to the content that the log keeps.</summary>
[MemoryDiagnoser]
public class PublishBenchmarks
{
    private byte[] _request = [];

    [Params(256, 4096)]
    public int BodyBytes { get; set; }

    [GlobalSetup]
    public void Setup() => _request = Encoding.UTF8.GetBytes($$"""{"topic":"orders/eu/42","body":"{{new string('x', BodyBytes)}}"}""");

    [Benchmark]
    public int Read() => PublishRequestReader.TryRead(_request, null, out var command, out _) ? command.Content.Length : 0;
}
