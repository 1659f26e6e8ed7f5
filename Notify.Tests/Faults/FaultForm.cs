namespace Notify.Tests.Faults;

/// <summary>The short form, each fault once, is part of every test run; <c>NOTIFY_FAULTS=long</c> gives every fault ten seeds and its full duration.</summary>
internal static class FaultForm
{
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("NOTIFY_FAULTS") == "long";

    /// <summary>How long everybody may take to be up to date again.</summary>
    public static TimeSpan Bound => TimeSpan.FromSeconds(5);

    public static double Seconds(double inShort, double inLong) => IsLong ? inLong : inShort;
}
