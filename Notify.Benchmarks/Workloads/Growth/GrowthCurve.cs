using System.Globalization;
using Notify.Benchmarks.Options;
using Notify.Benchmarks.Processes;
using Notify.Benchmarks.Reports;

namespace Notify.Benchmarks.Workloads.Growth;

/// <summary>What something costs as something else grows: a row a size, and a chart or two.</summary>
internal sealed class GrowthCurve(string name, string what, string along, string? folder)
{
    private readonly SortedSet<long> _sizes = [];

    public WorkloadReport Report { get; } = new("growth-" + name, what);

    /// <summary>Where the charts go; null: none are drawn.</summary>
    public static string? FolderOf(Arguments line) => line.Find("charts");

    /// <summary>From one to the largest in powers of ten; the largest itself at the end.</summary>
    public static IEnumerable<int> Sizes(int from, int largest)
    {
        for (long size = from; size < largest; size *= 10) yield return (int)size;
        yield return largest;
    }

    /// <summary>The row of a size; from now on it is a point of the charts.</summary>
    public string Row(long size)
    {
        _sizes.Add(size);
        return NameOf(size);
    }

    public Costs Costs(long size, RunningServer server, Storage storage, double seconds) => new(Report, Row(size), server, storage, seconds);

    public void Draw(string file, string title, string unit, params string[] figures) => Draw(file, title, unit, false, figures);

    public void Draw(string file, string title, string unit, bool inPowersOfTen, params string[] figures)
    {
        if (folder is null) return;
        var lines = figures.Select(figure => new ChartLine(figure, PointsOf(figure))).Where(line => line.Points.Count > 0).ToList();
        if (lines.Count == 0) return;
        Directory.CreateDirectory(folder);
        File.WriteAllText(Path.Combine(folder, file + ".svg"), new Chart(title, along, unit, lines, inPowersOfTen).Draw());
    }

    private List<(double X, double Y)> PointsOf(string figure) =>
        [.. _sizes.Where(size => Has(NameOf(size), figure)).Select(size => ((double)size, Median.Of(Report.Targets[NameOf(size)][figure])))];

    private string NameOf(long size) => size.ToString("#,0", CultureInfo.InvariantCulture) + " " + along;

    private bool Has(string row, string figure) => Report.Targets.TryGetValue(row, out var figures) && figures.ContainsKey(figure);
}
