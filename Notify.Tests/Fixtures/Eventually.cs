using System.Diagnostics;
using System.Globalization;

namespace Notify.Tests.Fixtures;

/// <summary>Waits for something to become true, instead of sleeping and hoping.</summary>
public static class Eventually
{
    /// <summary>A condition that will never hold is the usual case when the product is changed on purpose: mutation testing waits less.</summary>
    public static readonly TimeSpan Patience =
        TimeSpan.FromSeconds(int.TryParse(Environment.GetEnvironmentVariable("NOTIFY_TEST_PATIENCE"), CultureInfo.InvariantCulture, out var seconds) ? seconds
            : 60);

    public static Task TrueAsync(Func<bool> condition, string what, TimeSpan? within = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, within);

    public static async Task TrueAsync(Func<Task<bool>> condition, string what, TimeSpan? within = null)
    {
        var waited = Stopwatch.StartNew();
        while (!await AnswerAsync(condition, what, (within ?? Patience) + Patience))
        {
            if (waited.Elapsed > (within ?? Patience))
                Assert.Fail($"Not within {within ?? Patience}: {what}.");
            await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
        }
    }

    // A question that is never answered, such as of a server that accepts and says nothing, is a failure too.
    private static async Task<bool> AnswerAsync(Func<Task<bool>> condition, string what, TimeSpan limit)
    {
        var answer = condition();
        try
        {
            return await answer.WaitAsync(limit);
        }
        catch (TimeoutException) when (!answer.IsCompleted)
        {
            throw new TimeoutException($"No answer within {limit}: {what}.");
        }
    }

    /// <summary>Until it no longer throws <typeparamref name="TException"/>.</summary>
    public static async Task<T> SucceedsAsync<T, TException>(Func<Task<T>> attempt, string what, TimeSpan? within = null)
        where TException : Exception
    {
        T? result = default;
        await TrueAsync(
            async () =>
            {
                try
                {
                    result = await attempt();
                    return true;
                }
                catch (TException)
                {
                    return false;
                }
            },
            what,
            within);
        return result!;
    }
}
