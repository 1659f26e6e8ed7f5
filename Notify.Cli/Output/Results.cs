using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Notify.Contracts.Wire;
using Spectre.Console;

namespace Notify.Cli.Output;

/// <summary>
/// Where results go: on a terminal tables for a person, otherwise one JSON object a line for a program. A command says each result
/// once, as an object; the columns of a table are the members that it names.
/// </summary>
internal sealed class Results(CliConsole console, bool json)
{
    private static readonly JsonSerializerOptions AsLine = new(NotifyJson.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private readonly IAnsiConsole _ansi = console.Ansi(console.Out);

    /// <summary>One JSON object a line.</summary>
    public bool Json => json;

    /// <summary>A list: a table with these columns, or a line each.</summary>
    public void List<T>(IEnumerable<T> items, params string[] columns)
    {
        var objects = items.Select(ToObject).ToArray();
        if (json)
        {
            foreach (var item in objects) WriteLine(item);
            return;
        }

        if (objects.Length == 0)
        {
            _ansi.MarkupLine("[grey]none[/]");
            return;
        }

        var table = new Table().Border(TableBorder.Rounded).BorderColor(Color.Grey);
        foreach (var column in columns) table.AddColumn(new TableColumn(new Text(column.Split('.')[^1], new Style(decoration: Decoration.Bold))));
        foreach (var item in objects) table.AddRow(columns.Select(column => new Text(Cell(item, column))));
        _ansi.Write(table);
    }

    /// <summary>One thing: a table of its members, or a line.</summary>
    public void One<T>(T item)
    {
        var one = ToObject(item);
        if (json)
        {
            WriteLine(one);
            return;
        }

        var grid = new Grid().AddColumn(new GridColumn().NoWrap()).AddColumn();
        foreach (var (name, _) in one) grid.AddRow(new Text(name, new Style(Color.Grey)), new Text(Cell(one, name)));
        _ansi.Write(grid);
    }

    /// <summary>One of a stream: a line of markup, or of JSON.</summary>
    public void Line<T>(T item, Func<T, string> markup)
    {
        if (json) WriteLine(ToObject(item));
        else _ansi.MarkupLine(markup(item));
    }

    /// <summary>Something to know that is no result: to standard error, and not at all for a program.</summary>
    public void Note(string text)
    {
        if (!json) console.Ansi(console.Error).MarkupLine($"[grey]{Markup.Escape(text)}[/]");
    }

    /// <summary>Text as it is, for a program in either form: a secret alone, a script.</summary>
    public void Raw(string text) => console.Out.WriteLine(text);

    public static string Cell(JsonObject item, string column)
    {
        JsonNode? value = item;
        foreach (var part in column.Split('.')) value = value is JsonObject parent ? parent[part] : null;
        return value switch
        {
            null => "",
            JsonValue text when text.TryGetValue(out string? content) => content,
            JsonArray list =>
                string.Join(" ", list.Select(entry => entry is JsonValue one && one.TryGetValue(out string? name) ? name : entry?.ToJsonString(AsLine))),
            _ => value.ToJsonString(AsLine),
        };
    }

    private void WriteLine(JsonObject item)
    {
        console.Out.WriteLine(item.ToJsonString(AsLine));
        console.Out.Flush();
    }

    private static JsonObject ToObject<T>(T item) => JsonSerializer.SerializeToNode(item, AsLine) as JsonObject
        ?? new JsonObject { ["name"] = JsonSerializer.SerializeToNode(item, AsLine) };
}
