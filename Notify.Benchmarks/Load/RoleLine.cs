using System.Collections.Concurrent;
using System.Text.Json;

namespace Notify.Benchmarks.Load;

/// <summary>A role's end of its conversation with the tool: a command a line in, a JSON object a line out.</summary>
internal sealed class RoleLine
{
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web);
    private readonly ConcurrentQueue<string[]> _commands = new();

    public RoleLine()
    {
        var reader = new Thread(() =>
        {
            while (Console.In.ReadLine() is { } line) _commands.Enqueue(line.Split(' '));
            _commands.Enqueue(["stop"]); // the tool is gone: no role outlives it
        })
        { IsBackground = true, Name = "commands" };
        reader.Start();
    }

    public bool TryTake(out string[] command) => _commands.TryDequeue(out command!);

    public static void Say<T>(T answer) => Console.Out.WriteLine(JsonSerializer.Serialize(answer, Json));

    public static T Parse<T>(string line) => JsonSerializer.Deserialize<T>(line, Json)!;
}
