namespace Notify.Tests.Faults;

/// <summary><c>NOTIFY_FAULTS=short</c> gives each fault once; <c>NOTIFY_FAULTS=long</c> gives every fault ten seeds and its full duration.</summary>
internal static class FaultForm
{
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("NOTIFY_FAULTS") == "long";

    /// <summary>
    /// The faults of real processes are asked for: <c>NOTIFY_FAULTS=short</c> or <c>long</c>. They want a machine of their
    /// own; beside all other tests on two cores some of them miss the moment they wait for.
    /// </summary>
    public static bool IsAsked { get; } = IsLong || Environment.GetEnvironmentVariable("NOTIFY_FAULTS") == "short";

    public static void SkipUnlessAsked() => Assert.SkipUnless(IsAsked, "Only with NOTIFY_FAULTS=short or long.");

    /// <summary>How long everybody may take to be up to date again. The short form shares its machine with all other tests.</summary>
    public static TimeSpan Bound => IsLong ? TimeSpan.FromSeconds(5) : TimeSpan.FromSeconds(20);

    public static double Seconds(double inShort, double inLong) => IsLong ? inLong : inShort;
}
