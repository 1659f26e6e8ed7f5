using System.Collections.Concurrent;
using System.Reflection;
using Xunit.v3;

[assembly: Notify.Tests.Fixtures.TestLimit]

namespace Notify.Tests.Fixtures;

/// <summary>
/// Cancels <see cref="ITestContext.CancellationToken"/> of a test that has run for too long, so that whatever waits with it fails and says
/// which test it was.
/// </summary>
[AttributeUsage(AttributeTargets.Assembly)]
public sealed class TestLimitAttribute : BeforeAfterTestAttribute
{
    /// <summary>The longest of the short forms took four minutes on a slow machine, beside a build.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromMinutes(8);

    private static readonly string[] LongForms = ["NOTIFY_FAULTS", "NOTIFY_PEOPLE", "NOTIFY_OPENAPI", "NOTIFY_NATIVE", "NOTIFY_JS_LONG"];

    private static readonly bool IsLong = LongForms.Any(name => Environment.GetEnvironmentVariable(name) is not null);

    private readonly ConcurrentDictionary<string, Timer> _timers = new();

    public override void Before(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (IsLong) return;
        var context = TestContext.Current;
        _timers[test.UniqueID] = new Timer(_ => context.CancelCurrentTest(), null, Limit, Timeout.InfiniteTimeSpan);
    }

    public override void After(MethodInfo methodUnderTest, IXunitTest test)
    {
        if (_timers.TryRemove(test.UniqueID, out var timer)) timer.Dispose();
    }
}
