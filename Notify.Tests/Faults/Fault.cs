using Notify.Tests.Fixtures;

namespace Notify.Tests.Faults;

/// <summary>Something that goes wrong, and its end.</summary>
/// <param name="Name">As in the report.</param>
/// <param name="RunAsync">Causes it and puts it right again; completes when everything runs as before.</param>
/// <param name="OwnStage">It leaves another database behind, so nobody else gets its stage.</param>
/// <param name="WhyNot">Why it cannot be done on this machine; null when it can.</param>
internal sealed record Fault(string Name, Func<Ground, Task> RunAsync, bool OwnStage = false, Func<string?>? WhyNot = null)
{
    /// <summary>Every subscriber must have been told that the log is another one.</summary>
    public bool ReplacesTheLog { get; init; }

    /// <summary>Postgres settings or another place for its data.</summary>
    public Func<PostgresCluster>? Postgres { get; init; }

    public override string ToString() => Name;
}
