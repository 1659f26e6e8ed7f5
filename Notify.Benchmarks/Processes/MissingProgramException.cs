namespace Notify.Benchmarks.Processes;

/// <summary>A workload needs a program that is not installed; the message says what to install.</summary>
internal sealed class MissingProgramException(string message) : Exception(message);
