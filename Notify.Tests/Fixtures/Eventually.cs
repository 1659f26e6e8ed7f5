using System.Diagnostics;

namespace Notify.Tests.Fixtures;

/// <summary>Waits for what must come true, by looking; the deadline is for a machine under load, not a timing.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan Look = TimeSpan.FromMilliseconds(10);

    public static Task True(Func<bool> condition, string what) => True(() => Task.FromResult(condition()), what);

    public static async Task True(Func<Task<bool>> condition, string what)
    {
        var since = Stopwatch.GetTimestamp();
        while (!await condition())
        {
            if (Stopwatch.GetElapsedTime(since) > Deadline) Assert.Fail($"Not within {Deadline.TotalSeconds} s: {what}");
            await Task.Delay(Look);
        }
    }
}
