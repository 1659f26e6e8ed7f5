using System.Globalization;
using System.Text;

namespace Notify.Benchmarks.Reports;

/// <summary>One line of a chart.</summary>
internal sealed record ChartLine(string Name, IReadOnlyList<(double X, double Y)> Points);

/// <summary>
/// A line chart as SVG, by hand: how something grows. Logarithmic to the right; upwards from zero, or in powers of ten,
/// where what grows in proportion is a straight line.
/// </summary>
internal sealed class Chart(string title, string along, string unit, IReadOnlyList<ChartLine> lines, bool inPowersOfTen = false)
{
    private const int Width = 720;
    private const int Height = 400;
    private const int Left = 80;
    private const int Right = 24;
    private const int Top = 76;
    private const int Bottom = 56;
    private const int Steps = 5;

    /// <summary>Told apart without colours too: by their marks' order in the legend, and by name.</summary>
    private static readonly string[] Colours = ["#0b6bcb", "#c2410c", "#15803d", "#7e22ce", "#a16207", "#475569"];

    private readonly double _from = Math.Log10(lines.Min(line => line.Points.Min(p => p.X)));
    private readonly double _to = Math.Log10(lines.Max(line => line.Points.Max(p => p.X)));
    private readonly double[] _marks = inPowersOfTen
        ? PowersOfTen(lines.Min(line => line.Points.Min(p => p.Y)), lines.Max(line => line.Points.Max(p => p.Y)))
        : NiceSteps(lines.Max(line => line.Points.Max(p => p.Y)));
    private readonly StringBuilder _svg = new();

    public string Draw()
    {
        Add($"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {Width} {Height}" font-family="system-ui, sans-serif" font-size="13" fill="#333">""");
        Add($"""<title>{title}</title>""");
        Add($"""<rect width="{Width}" height="{Height}" fill="#fff"/>""");
        Add($"""<text x="{Left}" y="26" font-size="16" font-weight="600">{title}</text>""");
        DrawLegend();
        DrawAcross();
        DrawAlong();
        for (var i = 0; i < lines.Count; i++) DrawLine(lines[i], Colours[i % Colours.Length]);
        Add($"</svg>");
        return _svg.ToString();
    }

    private void DrawLegend()
    {
        double x = Left;
        for (var i = 0; i < lines.Count; i++)
        {
            Add($"""<rect x="{x}" y="44" width="14" height="4" fill="{Colours[i % Colours.Length]}"/><text x="{x + 20}" y="51">{lines[i].Name}</text>""");
            x += 44 + (lines[i].Name.Length * 7.2);
        }
    }

    private void DrawAcross()
    {
        foreach (var mark in _marks)
        {
            Add($"""<line x1="{Left}" x2="{Width - Right}" y1="{Y(mark):0.#}" y2="{Y(mark):0.#}" stroke="{(mark == _marks[0] ? "#666" : "#e2e2e2")}"/>""");
            Add($"""<text x="{Left - 8}" y="{Y(mark) + 4:0.#}" text-anchor="end">{mark:#,0.##}</text>""");
        }

        Add($"""<text transform="translate(18 {(Top + Height - Bottom) / 2}) rotate(-90)" text-anchor="middle">{unit}</text>""");
    }

    private void DrawAlong()
    {
        foreach (var value in lines.SelectMany(line => line.Points).Select(p => p.X).Distinct().Order())
        {
            Add($"""<line x1="{X(value):0.#}" x2="{X(value):0.#}" y1="{Height - Bottom}" y2="{Height - Bottom + 5}" stroke="#666"/>""");
            Add($"""<text x="{X(value):0.#}" y="{Height - Bottom + 20}" text-anchor="middle">{value:#,0}</text>""");
        }

        Add($"""<text x="{(Left + Width - Right) / 2}" y="{Height - 12}" text-anchor="middle">{along} (logarithmic)</text>""");
    }

    private void DrawLine(ChartLine line, string colour)
    {
        var points = string.Join(' ', line.Points.OrderBy(p => p.X).Select(p => string.Create(CultureInfo.InvariantCulture, $"{X(p.X):0.#},{Y(p.Y):0.#}")));
        Add($"""<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="2"/>""");
        foreach (var (x, y) in line.Points) Add($"""<circle cx="{X(x):0.#}" cy="{Y(y):0.#}" r="3.5" fill="{colour}"><title>{x:#,0}: {y:0.##}</title></circle>""");
    }

    private double X(double value) => Left + 20 + ((Width - Left - Right - 60) * (_to > _from ? (Math.Log10(value) - _from) / (_to - _from) : 0.5));

    private double Y(double value) =>
        Height - Bottom - ((Height - Top - Bottom) * (Scaled(value) - Scaled(_marks[0])) / (Scaled(_marks[^1]) - Scaled(_marks[0])));

    private double Scaled(double value) => inPowersOfTen ? Math.Log10(value) : value;

    private void Add(FormattableString line) => _svg.AppendLine(line.ToString(CultureInfo.InvariantCulture));

    /// <summary>1, 2, 2.5 or 5 times a power of ten, so that five of them hold the largest.</summary>
    private static double[] NiceSteps(double largest)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(Math.Max(largest, 1e-6) / Steps)));
        double[] nice = [1, 2, 2.5, 5, 10];
        var step = nice.First(n => n * power * Steps >= largest) * power;
        return [.. Enumerable.Range(0, Steps + 1).Select(i => i * step)];
    }

    private static double[] PowersOfTen(double smallest, double largest)
    {
        var from = (int)Math.Floor(Math.Log10(smallest));
        var to = Math.Max(from + 1, (int)Math.Ceiling(Math.Log10(largest)));
        return [.. Enumerable.Range(from, to - from + 1).Select(power => Math.Pow(10, power))];
    }
}
