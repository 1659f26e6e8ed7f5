namespace Notify.Server.Configuration;

/// <summary>A setting that cannot be. The message is one sentence for the operator: which one, and what is allowed.</summary>
public sealed class SettingsException(string message) : Exception(message);
