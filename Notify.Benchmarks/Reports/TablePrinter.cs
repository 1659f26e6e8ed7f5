using System.Globalization;

namespace Notify.Benchmarks.Reports;

/// <summary>Markdown, so that it can be copied into the docs as it is.</summary>
internal static class TablePrinter
{
    public static void Print(WorkloadReport report, TextWriter output)
    {
        output.WriteLine();
        output.WriteLine($"### {report.Workload}: {report.What}");
        output.WriteLine();
        var figures = report.Targets.Values.SelectMany(row => row.Keys).Distinct(StringComparer.Ordinal).ToList();
        Print([.. report.Targets.Select(t =>
            (string[])[t.Key, .. figures.Select(f => t.Value.TryGetValue(f, out var values) ? Text(Median.Of(values)) : "")])], ["median", .. figures], output);
        if (report.Ratios.Count > 0)
        {
            output.WriteLine();
            Print([.. report.Ratios.Select(r => (string[])[r.Key, r.Value.ToString("0.00", CultureInfo.InvariantCulture)])], ["ratio", ""], output);
        }

        output.WriteLine();
        foreach (var note in report.Notes.Distinct(StringComparer.Ordinal)) output.WriteLine("- " + note);
        foreach (var invalid in report.Invalid) output.WriteLine("- INVALID run: " + invalid);
    }

    private static void Print(List<string[]> rows, string[] head, TextWriter output)
    {
        var widths = head.Select((title, column) => Math.Max(title.Length, rows.Select(r => r[column].Length).DefaultIfEmpty().Max())).ToArray();
        void Line(string[] cells) =>
            output.WriteLine("| " +
            string.Join(" | ", cells.Select((cell, column) => column == 0 ? cell.PadRight(widths[column]) : cell.PadLeft(widths[column]))) + " |");
        Line(head);
        output.WriteLine("|" +
            string.Join("|", widths.Select((width, column) => column == 0 ? new string('-', width + 2) : new string('-', width + 1) + ":")) + "|");
        foreach (var row in rows) Line(row);
    }

    private static string Text(double value) => Math.Abs(value) switch
    {
        >= 1000 => value.ToString("#,0", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("0.0", CultureInfo.InvariantCulture),
        _ => value.ToString("0.00", CultureInfo.InvariantCulture),
    };
}
