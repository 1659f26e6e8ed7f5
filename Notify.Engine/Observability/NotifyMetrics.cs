namespace Notify.Engine.Observability;

/// <summary>The meter of all rooms; each has its own instruments.</summary>
internal static class NotifyMetrics
{
    /// <summary>The meter's name, for listeners.</summary>
    public const string MeterName = "Notify";
}
