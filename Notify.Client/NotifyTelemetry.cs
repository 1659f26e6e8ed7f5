namespace Notify.Client;

/// <summary>What to add to OpenTelemetry: <c>.AddSource(NotifyTelemetry.Name)</c> and <c>.AddMeter(NotifyTelemetry.Name)</c>.</summary>
public static class NotifyTelemetry
{
    /// <summary>The name of the client's activity source and of its meter.</summary>
    public const string Name = "Notify.Client";
}
