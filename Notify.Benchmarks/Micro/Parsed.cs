using Notify.Contracts.Topics;

namespace Notify.Benchmarks.Micro;

internal static class Parsed
{
    public static TopicFilter Filter(string text) =>
        TopicFilter.TryParse(text, out var filter, out var problem) ? filter : throw new ArgumentException(problem, nameof(text));
}
