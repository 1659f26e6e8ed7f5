namespace Notify.Benchmarks.Reports;

/// <summary>What a workload measured: for each target and figure one value a run. Invalid runs do not count.</summary>
internal sealed class WorkloadReport(string workload, string what)
{
    private readonly List<RatioOf> _ratios = [];

    public string Workload => workload;
    public string What => what;

    /// <summary>target → figure → one value a run.</summary>
    public Dictionary<string, Dictionary<string, List<double>>> Targets { get; } = new(StringComparer.Ordinal);
    public List<string> Invalid { get; } = [];
    public List<string> Notes { get; } = [];

    public Dictionary<string, double> Ratios => _ratios
        .Where(r => Has(r.Target, r.Figure) && Has(r.To, r.ToFigure))
        .ToDictionary(r => r.Name, r => Median.Of(Targets[r.Target][r.Figure]) / Median.Of(Targets[r.To][r.ToFigure]), StringComparer.Ordinal);

    public void Add(string target, params (string Figure, double Value)[] figures)
    {
        if (!Targets.TryGetValue(target, out var row)) Targets[target] = row = new Dictionary<string, List<double>>(StringComparer.Ordinal);
        foreach (var (figure, value) in figures)
        {
            if (!row.TryGetValue(figure, out var values)) row[figure] = values = [];
            values.Add(value);
        }
    }

    /// <summary>The target's median over another's, of the same runs.</summary>
    public void Ratio(string target, string to, string figure, string? toFigure = null) =>
        _ratios.Add(new RatioOf($"{target} / {to}: {figure}", target, to, figure, toFigure ?? figure));

    private bool Has(string target, string figure) => Targets.TryGetValue(target, out var row) && row.ContainsKey(figure);

    private sealed record RatioOf(string Name, string Target, string To, string Figure, string ToFigure);
}
