namespace Notify.Tests.Faults;

/// <summary>Short in the ordinary run; <c>NOTIFY_FAULTS=long</c> gives every fault ten seeds and its full duration.</summary>
internal static class FaultForm
{
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("NOTIFY_FAULTS") == "long";

    /// <summary>How long everybody may take to be up to date again. The short form shares its machine with all other tests.</summary>
    public static TimeSpan Bound => IsLong ? TimeSpan.FromSeconds(5) : TimeSpan.FromSeconds(20);

    public static double Seconds(double inShort, double inLong) => IsLong ? inLong : inShort;
}
